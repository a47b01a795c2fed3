package sms

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// check makes sure that each text can be sent. Where the brand is what makes texts too long, that is
// one fault, not one for each.
func (t *texts) check(digits int) error {
	var wrong []error
	var long []string
	for _, name := range slices.Sorted(maps.Keys(t.byName)) {
		err := t.checkText(name, t.brand, digits)
		switch {
		case err == nil:
		case t.checkText(name, defaultBrand, digits) == nil:
			long = append(long, name)
		default:
			wrong = append(wrong, fmt.Errorf("templates: %s%s: %w", name, suffix, err))
		}
	}
	if len(long) > 0 {
		wrong = append(wrong, t.brandFault(long, digits))
	}
	return errors.Join(wrong...)
}

// brandFault says how long the brand may be for texts that it is too long for.
func (t *texts) brandFault(long []string, digits int) error {
	files := strings.Join(long, suffix+", ") + suffix
	if _, unicode := units(t.brand); unicode {
		return fmt.Errorf("brand: a character is not in the GSM alphabet, so %d of the texts are too long for one SMS; choose another, or put shorter texts into the folder that templates names: %s", len(long), files)
	}
	brand := []rune(t.brand)
	tooLong := func(name string) bool { return t.checkText(name, string(brand), digits) != nil }
	for len(brand) > 0 && slices.ContainsFunc(long, tooLong) {
		brand = brand[:len(brand)-1]
	}
	return fmt.Errorf("brand: too long for %d of the texts, each of which is to fit one SMS: at most %d characters, or put shorter texts into the folder that templates names: %s", len(long), len(brand), files)
}

// checkText renders a text with the longest values that it will meet.
func (t *texts) checkText(name, brand string, digits int) error {
	code := strings.Repeat("8", digits)
	for _, v := range []values{
		{"Brand": brand, "Code": code, "Minutes": strconv.Itoa(maxMinutes), "Many": "true"},
		{"Brand": brand, "Code": code, "Minutes": "1", "By": "an administrator"},
	} {
		text, err := t.byName[name].render(v)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, kindCode+".") && !strings.Contains(text, code) {
			return errors.New("does not always hold {{.Code}}")
		}
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || r == unicode.ReplacementChar }) {
			return errors.New("holds control characters")
		}
		if text == "" {
			return errors.New("is empty")
		}
		if err := fitsOnePart(text); err != nil {
			return err
		}
	}
	return nil
}
