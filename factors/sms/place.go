package sms

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
)

// place is where in a request a variable stands. It decides how the variable is escaped.
type place int

// The places of variables.
const (
	inText place = iota // as it is
	inHost
	inPath
	inQuery
	inHeader
	inForm
	inJSON
	inXML
)

// bodyPlace returns the place that the body of a content type is.
func bodyPlace(contentType string) (place, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, fmt.Errorf("%q is not a content type", contentType)
	}
	switch kind {
	case typeForm:
		return inForm, nil
	case typeJSON:
		return inJSON, nil
	case "application/xml", "text/xml":
		return inXML, nil
	case "text/plain":
		return inText, nil
	}
	return 0, fmt.Errorf("%q is not known here, so nothing could be escaped for it; use %s, %s, application/xml, text/xml or text/plain",
		contentType, typeForm, typeJSON)
}

// escape returns value as it must be written in the place, so that it stays one value there. The
// error does not show the value.
func (p place) escape(value string) (string, error) {
	switch p {
	case inHost:
		if strings.ContainsFunc(value, notInHost) || strings.Trim(value, ".-") != value {
			return "", errors.New("cannot stand in a host name")
		}
	case inPath:
		// A dot segment would lead out of the path before any gateway sees it.
		if value == "." || value == ".." {
			return "", errors.New("cannot stand in a path")
		}
		return url.PathEscape(value), nil
	case inQuery, inForm:
		return url.QueryEscape(value), nil
	case inHeader:
		if strings.ContainsFunc(value, notInHeader) {
			return "", errors.New("holds characters that a header must not")
		}
	case inJSON:
		quoted, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		return string(quoted[1 : len(quoted)-1]), nil
	case inXML:
		var b bytes.Buffer
		err := xml.EscapeText(&b, []byte(value))
		return b.String(), err
	}
	return value, nil
}

func notInHost(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", r)
}

// notInHeader refuses control characters, which would end the line, and what is not ASCII, which
// servers read differently (RFC 9110 §5.5).
func notInHeader(r rune) bool { return r < 0x20 || r > 0x7e }

// judge says whether text, rendered for this place, is well formed.
func (p place) judge(text string) error {
	switch p {
	case inPath, inQuery, inForm:
		if strings.ContainsFunc(text, func(r rune) bool { return r <= 0x20 || r > 0x7e || r == '#' }) {
			return errors.New("holds characters that must be written as %XX")
		}
		if p != inPath {
			_, err := url.ParseQuery(text)
			return err
		}
	case inHeader:
		if strings.ContainsFunc(text, notInHeader) {
			return errors.New("holds characters that a header must not")
		}
	case inJSON:
		if !json.Valid([]byte(text)) {
			return errors.New("is not JSON once the variables are in it; put quotes around them")
		}
	case inXML:
		return wellFormed(text)
	}
	return nil
}

func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	elements := 0
	for {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && elements > 0:
			return nil
		case err != nil:
			return errors.New("is not XML once the variables are in it")
		}
		if _, ok := t.(xml.StartElement); ok {
			elements++
		}
	}
}
