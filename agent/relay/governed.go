package relay

import (
	"encoding/json"
	"net/http"
	"strings"

	"berth/api"
	"berth/structs"
)

// governed reports whether a request changes what the authoritative region decides for all, whatever it says. Tokens are looked at by
// changesGlobal.
func governed(r *http.Request) bool {
	if !changes(r) {
		return false
	}
	switch p := r.URL.Path; p {
	case "/v1/acl/bootstrap", "/v1/acl/role", "/v1/namespace", "/v1/node/pools":
		return true
	default:
		for _, prefix := range [...]string{"/v1/acl/policy/", "/v1/acl/role/", "/v1/namespace/", "/v1/node/pool/"} {
			if strings.HasPrefix(p, prefix) {
				return true
			}
		}
		return false
	}
}

func changes(r *http.Request) bool {
	return r.Method == http.MethodPut || r.Method == http.MethodPost || r.Method == http.MethodDelete
}

// tokenPath is where tokens are made, and before their accessors.
const tokenPath = "/v1/acl/token"

// changesGlobal reports whether a request makes, changes or deletes a global token; it is asked on the leader. A token that is not known here is taken for
// global: it may be one that was made a moment ago. The body of a request that makes one is kept for whoever answers it.
func (y *Relay) changesGlobal(w http.ResponseWriter, r *http.Request) (bool, error) {
	if !changes(r) || !strings.HasPrefix(r.URL.Path, tokenPath) {
		return false, nil
	}
	if r.URL.Path == tokenPath {
		again, err := keepBody(w, r)
		if err != nil || !again {
			return false, err // what is longer than any token is refused here as well
		}
		k, ok := r.Body.(*kept)
		if !ok {
			return false, nil
		}
		var t struct{ Global bool }
		err = json.Unmarshal(k.all, &t)
		return err == nil && t.Global, nil
	}
	id, err := structs.ParseID(strings.TrimPrefix(r.URL.Path, tokenPath+"/"))
	if err != nil {
		return false, nil // a path of another kind, or of no token
	}
	t := y.cfg.Server.State().Snapshot().ACLToken(id)
	return t == nil || t.Global, nil
}

// toAuthority sends a request to the region that decides. One that came from another region goes no further.
func (y *Relay) toAuthority(w http.ResponseWriter, r *http.Request) {
	region := y.cfg.Authority
	if from := r.Header.Get(headerFrom); from != "" {
		http.Error(w, "region "+y.cfg.Region+" does not decide over this, region "+region+" does (server.authoritative_region): ask that one, with -region "+region, http.StatusBadRequest)
		return
	}
	if q := r.URL.Query(); q.Has("region") { // it named this one
		q.Set("region", region)
		there := *r.URL
		there.RawQuery = q.Encode()
		r = r.WithContext(r.Context())
		r.URL = &there
	}
	if len(y.cfg.RegionServers(region)) == 0 {
		http.Error(w, noPath+": policies, roles, global tokens, namespaces and node pools are changed in region "+region+" (server.authoritative_region), of which no server can be reached; `berth operator region list` shows whom this region is joined with",
			http.StatusInternalServerError)
		return
	}
	w.Header().Set(api.HeaderRegion, region)
	y.toRegion(w, r, region)
}
