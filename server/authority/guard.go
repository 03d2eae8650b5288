package authority

import (
	"net/http"
	"slices"
	"strings"

	"berth/internal/pki"
	"berth/internal/transport"
)

// guarded are the paths that decide who belongs to the cluster.
var guarded = []string{"/v1/operator/join-token", "/v1/operator/ca", "/v1/operator/region"}

// internal begins the paths by which machines of one region talk; RegionPath alone is for other regions.
const internal = "/v1/internal/"

// Guard keeps machines with a client's certificate, and servers of other regions, from what decides who belongs to the cluster, whatever
// token their request has: one machine or region that was taken over must not make servers. Other regions are kept from what
// machines of one region ask each other, too. It stands before everything that passes requests on.
func Guard(region string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := transport.PeerOf(r.Context())
		foreign := ok && p.Region != "" && p.Region != region
		switch path := r.URL.Path; {
		case foreign && strings.HasPrefix(path, internal) && path != RegionPath:
			http.Error(w, "region "+p.Region+" may not ask this of region "+region, http.StatusForbidden)
			return
		case ok && (foreign || p.Role != pki.RoleServer) && slices.ContainsFunc(guarded, func(g string) bool { return strings.HasPrefix(path, g) }):
			why := "join tokens, regions and certificate authorities are not for machines without a server: run the command on a server"
			if foreign {
				why = "join tokens, regions and certificate authorities are a region's own: run the command on a server of region " + region
			}
			http.Error(w, why, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
