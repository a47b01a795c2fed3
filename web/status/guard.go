package status

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// guard applies what all routes share: the check of the name that was asked for, read-only methods, and headers
// that keep answers out of caches and pages.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		switch {
		case !s.ownHost(r):
			writeText(w, http.StatusMisdirectedRequest, "asked under a name that is not known as this machine's: use localhost or the IP address, or add the name to hosts in [status]\n")
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			writeText(w, http.StatusMethodNotAllowed, "the status port is read-only: GET or HEAD\n")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownHost reports whether a request asks for this machine: for the address that it came to or that is listened on, for
// loopback, or under one of the names in Config.Hosts. In a DNS rebinding attack a page of evil.example lets that name
// resolve to our address and then reads this port as its own origin; the Host header still says evil.example. A request
// without Host asks for nobody.
func (s *Server) ownHost(r *http.Request) bool {
	name, ok := hostOf(r.Host)
	if !ok {
		return false
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(s.hosts, name)
	}
	ip = ip.Unmap().WithZone("")
	return ip.IsLoopback() || ip == localAddr(r) || slices.Contains(s.hosts, ip.String())
}

// hostOf is the name or the address of a Host header (RFC 9110 section 7.2), in lower case and without the dot of the root.
func hostOf(header string) (name string, ok bool) {
	name = header
	if literal, closed := strings.CutPrefix(header, "["); closed {
		var port string
		if name, port, ok = strings.Cut(literal, "]"); !ok || !strings.Contains(name, ":") || port != "" && !isPort(strings.TrimPrefix(port, ":")) {
			return "", false
		}
	} else if strings.Count(header, ":") == 1 {
		var port string
		if name, port, _ = strings.Cut(header, ":"); !isPort(port) {
			return "", false
		}
	}
	name = canonicalHost(name)
	return name, name != ""
}

// canonicalHost is how names are compared: DNS knows no case, and a name may end in a dot.
func canonicalHost(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil || text == "" // RFC 3986 section 3.2.3 allows an empty one
}

// localAddr is the address at which a request's connection came in; the zero Addr if that is not known.
func localAddr(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// knownHosts are the names and addresses under which this server may be asked, besides loopback's: those that are
// configured, the address that is listened on, and the machine's own name.
func knownHosts(c Config) (hosts []string) {
	for _, name := range c.Hosts {
		if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			name = ip.Unmap().WithZone("").String()
		}
		hosts = append(hosts, canonicalHost(name))
	}
	if ap, err := netip.ParseAddrPort(c.Listen); err == nil && !ap.Addr().IsUnspecified() {
		hosts = append(hosts, ap.Addr().Unmap().WithZone("").String())
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		hosts = append(hosts, canonicalHost(name))
	}
	return hosts
}

// validHost reports whether a setting is a name or an address alone.
func validHost(name string) bool {
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	name = canonicalHost(name)
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
