package api

import (
	"context"
	"net/http"
)

// Region is another region this one is joined with.
type Region struct {
	Name string
	// Roots are the digests of its certificate authorities, the one that issues first.
	Roots   []string
	Servers []string // addresses of its cluster ports
	Gossip  []string // addresses of its gossip
	// Via is the region that told of it, empty for one that was joined with a token.
	Via string
	// Members are the servers of it that gossip tells of, Alive those of them that are.
	Members, Alive           int
	CreateIndex, ModifyIndex uint64
}

// RegionJoinRequest joins the region of a token of the role "region".
type RegionJoinRequest struct{ Token string }

// RegionJoinResponse names the regions that were joined.
type RegionJoinResponse struct{ Regions []string }

// Regions lists the other regions the agent's is joined with.
func (o Operator) Regions(ctx context.Context, q *QueryOptions) ([]*Region, *QueryMeta, error) {
	return get[[]*Region](ctx, o.c, "/v1/operator/regions", q)
}

// JoinRegion joins the agent's region with that of a token, and with those that one is joined with; it gives their names.
func (o Operator) JoinRegion(ctx context.Context, token string) ([]string, error) {
	out, _, err := write[*RegionJoinResponse](ctx, o.c, http.MethodPut, "/v1/operator/region/join", &RegionJoinRequest{token}, nil)
	if err != nil {
		return nil, err
	}
	return out.Regions, nil
}

// ForgetRegion ends the trust of the agent's region in another.
func (o Operator) ForgetRegion(ctx context.Context, name string) error {
	_, _, err := write[nothing](ctx, o.c, http.MethodDelete, "/v1/operator/region/"+escape(name), nil, nil)
	return err
}
