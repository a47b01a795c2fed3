package sms

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"sallyport/login"
)

// maxNumber bounds what is read as a number, in octets: 15 digits of another script and what people
// put between them.
const maxNumber = 80

// numbers reads telephone numbers under a site's rules.
type numbers struct {
	region    string
	countries []string
	landlines bool
}

// unusable is an address that cannot be used, with the reason in words for the person.
func unusable(why string) error { return fmt.Errorf("%w: %s", login.ErrAddress, why) }

// parse reads a number as people write it: in international form with + or 00, or as it is dialled in
// the site's own region; with spaces, dots, dashes, slashes and parentheses; in Arabic and Persian
// digits too. Letters, extensions and control characters make it no number.
func (n numbers) parse(text string) (login.Address, error) {
	number, err := n.read(text)
	if err != nil {
		return login.Address{}, err
	}
	country := phonenumbers.GetRegionCodeForNumber(number)
	if len(n.countries) > 0 && !slices.Contains(n.countries, country) {
		return login.Address{}, unusable("messages are not sent to that country")
	}
	if err := n.checkKind(phonenumbers.GetNumberType(number)); err != nil {
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
	if len(text) > maxNumber {
		return false, "", false
	}
	before, after, international := strings.Cut(text, "+")
	if !international {
		after = text
	} else if strings.Trim(before, "( \u00a0\u200e\u200f\u202a\u202d\u2066\u2068") != "" {
		return false, "", false
	}
	digits = login.FoldDigits(strings.NewReplacer("(", "", ")", "", ".", "", "/", "").Replace(after))
	return international, digits, digits != ""
}

// parsed reads a number and says what is wrong with it in words for a person.
func parsed(text, region string) (*phonenumbers.PhoneNumber, error) {
	number, err := phonenumbers.Parse(text, region)
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
