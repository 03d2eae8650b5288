package api

import (
	"context"
	"net/http"
	"time"
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

// ReplicationStatus is how a region follows the authoritative one: its policies, roles, global tokens, namespaces and node pools.
type ReplicationStatus struct {
	Region              string
	AuthoritativeRegion string // Region itself where that decides
	Follows             bool   // whether another region decides; the rest is of one that does
	// LastSuccess is when the region last had all that the authoritative one has, as the leader knows, nil for never. Age is how long ago, ns;
	// since the leader began where it was never.
	LastSuccess *time.Time `json:",omitempty"`
	Age         int64
	// Error is why it has not now, "" when it has.
	Error        string
	FailingSince *time.Time `json:",omitempty"`
	// Applied are the commands this leader proposed for it.
	Applied uint64
	// Aside is what is kept, or left out, though the authoritative region says otherwise.
	Aside []string
}

// Replication tells how the agent's region follows the authoritative one.
func (o Operator) Replication(ctx context.Context) (*ReplicationStatus, error) {
	out, _, err := get[*ReplicationStatus](ctx, o.c, "/v1/operator/replication", nil)
	return out, err
}

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
