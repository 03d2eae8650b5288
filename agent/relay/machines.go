package relay

import (
	"net/http"
	"path"
	"strings"
)

// ofMachines reports whether a path is one by which machines of the cluster talk to each other. The certificate of the connection says who
// asks, so that such a request counts only where it was sent to: one that was passed on would have the certificate of whoever passed it on.
func ofMachines(p string) bool {
	return strings.HasPrefix(path.Clean("/"+p)+"/", "/v1/internal/")
}

// Direct refuses requests of machines that another agent has passed on, as those of earlier versions did. It stands before what answers
// them on the cluster port.
func Direct(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Header.Get(headerHops) != "" || r.Header.Get(headerFrom) != "") && ofMachines(r.URL.Path) {
			http.Error(w, "machines ask for themselves: this was passed on", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
