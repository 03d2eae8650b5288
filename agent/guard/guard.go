package guard

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Config says by which names the agent is known.
type Config struct {
	// Names are host names the agent is called by, besides its addresses, "localhost" and the names of those below it.
	Names []string
	// Origins are pages of other sites that may use the API: "https://ops.example:8443", or "*" for all.
	Origins []string
	// Loopback says that the API listens on loopback only: then every caller must use a known name.
	Loopback bool
}

// Handler refuses with 403 what comes from a foreign page, and passes on the rest. Each piece of an answer has Patience to be taken.
func Handler(cfg Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := cfg.refuse(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		patiently(next, w, r)
	})
}

// refuse says why a request is not answered; "" when it is.
func (c Config) refuse(r *http.Request) string {
	name := hostname(r.Host)
	if !c.known(name) && (c.Loopback || browser(r)) {
		return fmt.Sprintf("this agent is not known as %q: call it by its address, or add the name to http_allowed_hosts in its configuration", name)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if c.allowed(origin, r.Host) {
			return ""
		}
		return fmt.Sprintf("a page of %s may not use this agent: add it to http_allowed_origins in its configuration", origin)
	}
	// Fetch Metadata: https://www.w3.org/TR/fetch-metadata/. Links from other sites may be followed, nothing else.
	site := r.Header.Get("Sec-Fetch-Site")
	if (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return "a page of another site may not use this agent"
	}
	return ""
}

// known reports a name that cannot have been made up by somebody else: an address, or one that was configured.
func (c Config) known(name string) bool {
	if name == "" || net.ParseIP(strings.Trim(name, "[]")) != nil {
		return true // HTTP/1.0 has no name; an address cannot be rebound
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	return slices.ContainsFunc(c.Names, func(n string) bool { return n == "*" || strings.EqualFold(strings.TrimSuffix(n, "."), name) })
}

// allowed reports an origin that is the agent itself or was configured.
func (c Config) allowed(origin, host string) bool {
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, host) {
		return true
	}
	return slices.ContainsFunc(c.Origins, func(o string) bool { return o == "*" || strings.EqualFold(strings.TrimSuffix(o, "/"), origin) })
}

// browser recognises browsers by what a page's script cannot leave out.
func browser(r *http.Request) bool {
	h := r.Header
	return h.Get("Origin") != "" || h.Get("Sec-Fetch-Site") != "" || h.Get("Sec-Fetch-Mode") != "" ||
		strings.HasPrefix(h.Get("User-Agent"), "Mozilla/") || strings.Contains(h.Get("Accept-Encoding"), "deflate") && h.Get("Accept-Language") != ""
}

// hostname is a Host header without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
