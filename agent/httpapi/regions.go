package httpapi

import (
	"net/http"
	"slices"
	"time"

	"berth/api"
	"berth/internal/pki"
	"berth/server/membership"
	"berth/state"
	"berth/structs"
)

func (a *API) regionRoutes() {
	a.route("/v1/regions", methods{http.MethodGet: open().then(a.regionNames)})
	a.route("/v1/operator/regions", methods{http.MethodGet: operatorRead().then(a.regionsList)})
	a.route("/v1/operator/replication", methods{http.MethodGet: operatorRead().then(a.replication)})
	a.route("/v1/operator/region/join", methods{http.MethodPut: management().then(a.regionJoin)})
	a.route("/v1/operator/region/{name}", methods{http.MethodDelete: management().then(a.regionForget)})
}

// knownRegions are this region, those it is joined with, and those gossip tells of, sorted.
func (a *API) knownRegions() []string {
	out := []string{a.Config.Region}
	for r := range a.Server.State().Snapshot().Regions() {
		if !r.Forgotten {
			out = append(out, r.Name)
		}
	}
	for _, m := range a.Server.Members() {
		if m.Region != "" && m.Status != membership.StatusLeft {
			out = append(out, m.Region)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *API) regionNames(*request) (any, error) { return a.knownRegions(), nil }

func (a *API) regionsList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.RegionsW()
		alive, members := map[string]int{}, map[string]int{}
		for _, m := range a.Server.Members() {
			members[m.Region]++
			if m.Status == membership.StatusAlive {
				alive[m.Region]++
			}
		}
		out, err := list(r, all, func(g *structs.Region) string { return g.Name }, func(g *structs.Region) *api.Region {
			shown := &api.Region{Name: g.Name, Servers: g.Servers, Gossip: g.Gossip, Via: g.Via, Members: members[g.Name], Alive: alive[g.Name],
				CreateIndex: g.CreateIndex, ModifyIndex: g.ModifyIndex, Roots: []string{}}
			if certs, err := pki.ParseDER(g.Roots); err == nil {
				for _, c := range certs {
					shown.Roots = append(shown.Roots, pki.DigestOf(c).String())
				}
			}
			return shown
		}, func(g *structs.Region) bool { return !g.Forgotten && r.hasPrefix(g.Name) })
		return answer{value: out, index: s.TableIndex(state.TableRegions), changed: changed}, err
	})
}

// replication tells how this region follows another. Regions that follow this one ask it too, whether it is the one that decides.
func (a *API) replication(*request) (any, error) {
	out := &api.ReplicationStatus{Region: a.Config.Region, AuthoritativeRegion: a.Config.Authority(), Follows: a.Config.Follows(), Aside: []string{}}
	if !out.Follows {
		return out, nil
	}
	s, running := a.Server.Replication()
	if !running {
		out.Error = "acl { replication_token } is not set on the leader: nothing is taken over"
		return out, nil
	}
	out.Age, out.Error, out.Applied, out.Aside = s.Age(time.Now()).Nanoseconds(), s.Failing, s.Applied, append(out.Aside, s.Aside...)
	if !s.Heard.IsZero() {
		out.LastSuccess = &s.Heard
	} else if out.Error == "" {
		out.Error = "the leader has just begun to read"
	}
	if !s.FailingSince.IsZero() {
		out.FailingSince = &s.FailingSince
	}
	return out, nil
}

func (a *API) regionJoin(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	var in api.RegionJoinRequest
	if err := r.body(&in); err != nil {
		return nil, err
	}
	names, err := auth.JoinRegion(r.ctx(), in.Token)
	if err != nil {
		return nil, err
	}
	return &api.RegionJoinResponse{Regions: names}, nil
}

func (a *API) regionForget(r *request) (any, error) {
	auth, err := a.authority()
	if err != nil {
		return nil, err
	}
	return nil, auth.ForgetRegion(r.ctx(), r.PathValue("name"))
}
