package authority

import (
	"net/http"
	"strings"

	"berth/internal/pki"
	"berth/internal/transport"
)

// guarded are the paths that decide who belongs to the cluster.
var guarded = []string{"/v1/operator/join-token", "/v1/operator/ca"}

// Guard keeps machines with a client's certificate from what decides who belongs to the cluster, whatever token their request has:
// one machine that was taken over must not make servers. It stands before everything that passes requests on.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := transport.PeerOf(r.Context()); ok && p.Role != pki.RoleServer {
			for _, path := range guarded {
				if strings.HasPrefix(r.URL.Path, path) {
					http.Error(w, "join tokens and certificate authorities are not for machines without a server: run the command on a server", http.StatusForbidden)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
