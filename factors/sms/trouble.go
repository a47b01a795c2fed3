package sms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
)

// refusal says what an answer was, in our words: the gateway's own may repeat the message.
func refusal(status int, reason string) error {
	words := fmt.Sprintf("the gateway answered with status %d", status)
	if status >= 300 && status < 400 {
		words += ", a redirect, which is not followed: set url to where it leads"
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		words += ": check username and password_file"
	}
	if reason != "" {
		words += ", reason " + reason
	}
	return errors.New(words)
}

// trouble says why there was no answer. Errors of net/http can quote the URL, or the bytes that came
// instead of an answer, so only what is known to be free of both is passed on.
func trouble(err error) error {
	var (
		dns     *net.DNSError
		number  syscall.Errno
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("the login ended before the gateway answered")
	case errors.As(err, &dns):
		return fmt.Errorf("the name %q cannot be looked up", dns.Name)
	case errors.As(err, &cert):
		return fmt.Errorf("TLS: the certificate is not trusted: %w; see ca_file", cert.Err)
	case errors.As(err, &record):
		return errors.New("TLS: the server does not speak it; is url meant to be http://?")
	case errors.As(err, &alert):
		return fmt.Errorf("TLS: %w", alert)
	case errors.As(err, &number):
		return fmt.Errorf("the connection failed: %w", number)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the gateway did not answer in time")
	}
	return errors.New("the gateway broke the connection or answered with something that is not HTTP")
}
