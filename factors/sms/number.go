package sms

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"sallyport/login"
)

// maxNumber bounds what is read as a number, in characters: 15 digits, and what people put and paste
// between them.
const maxNumber = 80

// between are the signs that people put between the digits of a number, besides white space, dashes and what
// nobody sees: parentheses, dots, slashes and tildes, in their wide forms too.
const between = "()（）[]［］.．·/／~∼～ー⁓"

// plus are the signs for the international prefix.
const plus = "+＋﹢⁺➕"

// numbers reads telephone numbers under a site's rules.
type numbers struct {
	region    string
	countries []string
	landlines bool
}

// unusable is an address that cannot be used, with the reason in words for the person.
func unusable(why string) error { return fmt.Errorf("%w: %s", login.ErrAddress, why) }

// parse reads a number as people write and paste it: in international form with + or 00, or as it is dialled
// in the site's own region; with spaces, dots, dashes, slashes and parentheses; in the digits of every script,
// and with what nobody sees in it. Letters, extensions and control characters make it no number.
func (n numbers) parse(text string) (login.Address, error) {
	number, err := n.read(text)
	if err != nil {
		return login.Address{}, err
	}
	country := phonenumbers.GetRegionCodeForNumber(number)
	if len(n.countries) > 0 && !slices.Contains(n.countries, country) {
		return login.Address{}, unusable("messages are not sent to that country")
	}
	unsure := mayBeMobile(number)
	if err := n.checkKind(phonenumbers.GetNumberType(number)); err != nil && !unsure {
		return login.Address{}, err
	}
	canonical := phonenumbers.Format(number, phonenumbers.E164)
	if !isE164(canonical) {
		return login.Address{}, unusable("the number is not valid")
	}
	return login.Address{
		Text:    canonical,
		Display: phonenumbers.Format(number, phonenumbers.INTERNATIONAL),
		Masked:  masked(number),
		Country: country,
		Unsure:  unsure && !n.landlines,
	}, nil
}

// read tells the number that text means.
func (n numbers) read(text string) (*phonenumbers.PhoneNumber, error) {
	if strings.TrimSpace(text) == "" {
		return nil, unusable("enter a telephone number")
	}
	international, digits, ok := fold(text)
	if !ok {
		return nil, unusable("a telephone number holds digits only, and a + in front of the country code")
	}
	if international {
		return parsed("+"+digits, "")
	}
	// 00 is the international prefix nearly everywhere, but means something else in a few regions, so
	// the region's own rules are asked first.
	abroad, abroadErr := parsed("+"+strings.TrimPrefix(digits, "00"), "")
	hasPrefix := strings.HasPrefix(digits, "00")
	if n.region == "" {
		if !hasPrefix {
			return nil, unusable("begin with + and the country code")
		}
		return abroad, abroadErr
	}
	number, err := parsed(digits, n.region)
	if err != nil && hasPrefix {
		return abroad, abroadErr
	}
	return number, err
}

// fold returns the ASCII digits of a number and whether a plus sign stood in front of them.
func fold(text string) (international bool, digits string, ok bool) {
	if utf8.RuneCountInString(text) > maxNumber {
		return false, "", false
	}
	if at := strings.IndexAny(text, plus); at >= 0 {
		_, size := utf8.DecodeRuneInString(text[at:])
		if before, ok := digitsOf("0" + text[:at]); !ok || before != "0" {
			return false, "", false
		}
		international, text = true, text[at+size:]
	}
	digits, ok = digitsOf(text)
	return international, digits, ok
}

// digitsOf returns the digits of a text that holds nothing else but what people put between them.
func digitsOf(text string) (digits string, ok bool) {
	digits = login.FoldDigits(strings.Map(func(r rune) rune {
		if strings.ContainsRune(between, r) {
			return -1
		}
		return r
	}, text))
	return digits, digits != ""
}

// parsed reads a number and says what is wrong with it in words for a person.
func parsed(text, region string) (*phonenumbers.PhoneNumber, error) {
	number, err := phonenumbers.Parse(text, region)
	if err == nil {
		number = renumbered(number)
	}
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return nil, unusable("there is no such country code")
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return nil, unusable("the number is too long")
	case err != nil:
		return nil, unusable("the number is too short")
	}
	if phonenumbers.IsValidNumber(number) {
		return number, nil
	}
	switch phonenumbers.IsPossibleNumberWithReason(number) {
	case phonenumbers.TOO_SHORT:
		return nil, unusable("the number is too short")
	case phonenumbers.TOO_LONG:
		return nil, unusable("the number is too long")
	}
	return nil, unusable("the number is not valid")
}

// renumbered returns a number whose country has changed the form of its numbers as it is written now: people
// and directories keep the old form for decades.
func renumbered(number *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	if phonenumbers.IsValidNumber(number) {
		return number
	}
	national := phonenumbers.GetNationalSignificantNumber(number)
	for _, old := range oldForms[number.GetCountryCode()] {
		rest, ok := strings.CutPrefix(national, old.prefix)
		if !ok || len(rest) != old.rest {
			continue
		}
		now, err := phonenumbers.Parse("+"+strconv.Itoa(int(number.GetCountryCode()))+old.now+rest, "")
		if err == nil && phonenumbers.IsValidNumber(now) {
			return now
		}
	}
	return number
}

// oldForm is a prefix before so many digits, and what stands there now.
type oldForm struct {
	prefix string
	rest   int
	now    string
}

// oldForms are by country code. Mexico dropped the 1 of mobiles from abroad and the prefixes 01, 044 and 045
// in 2019; Benin put 01 before all numbers in 2024; Vietnam gave its mobiles of eleven digits ten in 2018.
var oldForms = map[int32][]oldForm{
	52:  {{"1", 10, ""}, {"01", 10, ""}, {"044", 10, ""}, {"045", 10, ""}},
	229: {{"", 8, "01"}},
	84: {
		{"120", 7, "70"}, {"121", 7, "79"}, {"122", 7, "77"}, {"126", 7, "76"}, {"128", 7, "78"},
		{"123", 7, "83"}, {"124", 7, "84"}, {"125", 7, "85"}, {"127", 7, "81"}, {"129", 7, "82"},
		{"16", 8, "3"}, {"186", 7, "56"}, {"188", 7, "58"}, {"199", 7, "59"},
	},
}

// mayBeMobile reports whether a number looks like a landline and is written so for a mobile too: in Argentina
// people leave out the 9 that tells them apart. The person is asked.
func mayBeMobile(number *phonenumbers.PhoneNumber) bool {
	const argentina = 54
	if number.GetCountryCode() != argentina || phonenumbers.GetNumberType(number) != phonenumbers.FIXED_LINE {
		return false
	}
	mobile, err := phonenumbers.Parse("+549"+phonenumbers.GetNationalSignificantNumber(number), "")
	return err == nil && phonenumbers.GetNumberType(mobile) == phonenumbers.MOBILE
}

// checkKind refuses what cannot receive a text message, or would make the caller pay for it.
func (n numbers) checkKind(kind phonenumbers.PhoneNumberType) error {
	switch kind {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return nil
	case phonenumbers.FIXED_LINE, phonenumbers.VOIP:
		if n.landlines {
			return nil
		}
		return unusable("this is a landline; enter a mobile number")
	}
	return unusable("this is not a mobile number")
}

// isE164 is what may be sent to: a plus sign and 7 to 15 digits (ITU-T E.164 §6). It is asked after the
// library too, because the escaping of requests relies on it.
func isE164(text string) bool {
	digits, ok := strings.CutPrefix(text, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// masked shows the country code and the last two digits.
func masked(number *phonenumbers.PhoneNumber) string {
	national := phonenumbers.GetNationalSignificantNumber(number)
	hidden := max(len(national)-2, 0)
	return "+" + strconv.Itoa(int(number.GetCountryCode())) + strings.Repeat("•", hidden) + national[hidden:]
}
