package relay

import (
	"errors"
	"net/http"
	"strings"

	"berth/internal/tracing"
	"berth/internal/transport"
)

// regional reports whether a request is about a region: what is about this agent alone is answered here, whatever region it names.
func regional(path string) bool {
	return strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/agent/") && !strings.HasPrefix(path, "/v1/internal/") &&
		path != "/v1/metrics" && path != "/v1/regions"
}

// noPath is the contract's text.
const noPath = "No path to region"

// Alone answers for an agent that knows no other region.
func Alone(region string, local http.Handler, tracer *tracing.Tracer) http.Handler {
	return tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := r.URL.Query().Get("region"); asked != "" && asked != region && regional(r.URL.Path) {
			http.Error(w, noPath, http.StatusInternalServerError)
			return
		}
		local.ServeHTTP(w, r)
	}), true)
}

// toRegion sends a request to a server of the region it names. One that came from another region goes no further: two regions that
// took each other for a third would send it round and round.
func (y *Relay) toRegion(w http.ResponseWriter, r *http.Request, region string) {
	servers := y.cfg.RegionServers(region)
	if r.Header.Get(headerFrom) != "" || len(servers) == 0 {
		http.Error(w, noPath, http.StatusInternalServerError)
		return
	}
	y.abroad.Add(1)
	again, err := keepBody(w, r)
	if err != nil {
		return // it was told
	}
	r.Header.Del(headerHops) // they are counted anew there
	r.Header.Set(headerFrom, y.cfg.Region)
	for _, host := range servers {
		if err = y.send(w, r, transport.InRegion(host, region), -1); err == nil || !y.mayRepeat(r, err, again) {
			break
		}
	}
	switch {
	case err == nil, r.Context().Err() != nil:
	case nothingDone(err) || errors.Is(err, errNotLeader):
		y.cfg.Logger.Debug("a request reached no server of its region", "path", r.URL.Path, "region", region, "error", err)
		http.Error(w, noPath+": no server of region "+region+" answers", http.StatusInternalServerError)
	default:
		y.cfg.Logger.Debug("a request was lost on its way to its region", "path", r.URL.Path, "region", region, "error", err)
		refuse(w, "the server of region "+region+" was lost while it answered; whether the change took is not known: look at the state, then try again")
	}
}
