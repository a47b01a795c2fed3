package status

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard applies what all routes share: read-only methods, headers that keep answers out of caches
// and pages, and the check of the name that was asked for.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			writeText(w, http.StatusMethodNotAllowed, "the status port is read-only: GET or HEAD\n")
		case onLoopback(r) && !safeHost(r.Host):
			writeText(w, http.StatusMisdirectedRequest,
				"asked under a foreign name: use localhost or the address\n")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// onLoopback reports whether the connection came in on a loopback address.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	ap, err := netip.ParseAddrPort(local.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// safeHost refuses names other than localhost. In a DNS rebinding attack a page of evil.example
// lets that name resolve to 127.0.0.1 and then reads this port as its own origin; the Host header
// still says evil.example. An address cannot be rebound.
func safeHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}
