package transport

import (
	"context"
	"encoding/hex"
	"strings"

	"berth/internal/pki"
	"berth/structs"
)

// RegionInfo is what a region tells another of itself, or of a third.
type RegionInfo struct {
	Name string
	// Roots are its certificate authorities, PEM.
	Roots []byte
	// GossipKeys are those its gossip is encrypted with, the one in use first.
	GossipKeys [][]byte
	// Servers are addresses of its cluster ports, Gossip those of its gossip, host:port.
	Servers []string
	Gossip  []string
}

// RegionJoin says how a region is joined with another. All but Dial, Now and Timeout must be set.
type RegionJoin struct {
	Token *pki.Token // for role pki.RoleRegion
	// Own are this server's credentials: the other region checks them against the roots in Region.
	Own    *pki.Credentials
	Region RegionInfo
	JoinConfig
}

// JoinRegion asks the servers of a token's region, one after the other, to be joined with this one, and gives what they tell of that
// region (first) and of those it is joined with.
func JoinRegion(ctx context.Context, cfg RegionJoin) ([]RegionInfo, error) {
	cfg.JoinConfig.Token, cfg.JoinConfig.Ended, cfg.ID = cfg.Token, cfg.Own, cfg.Own.ID.ID
	var told []RegionInfo
	err := cfg.eachServer(ctx, func(ctx context.Context, c JoinConfig, addr string) error {
		res, err := exchange(ctx, c, addr, &JoinRequest{Token: c.Token.Text(), ID: c.ID, Region: &cfg.Region})
		if err != nil {
			return err
		}
		if len(res.Regions) == 0 {
			return structs.NewError(structs.KindUnavailable, "the answer tells of no region")
		}
		told = res.Regions
		return nil
	})
	return told, err
}

// regionHost ends the host of a URL that names a region.
const regionHost = ".region"

// InRegion is the host of a URL for a machine of a region: host is its id or its address. Whoever answers must have a certificate of
// that region.
func InRegion(host, region string) string {
	return hex.EncodeToString([]byte(host)) + "." + hex.EncodeToString([]byte(region)) + regionHost
}

// ofRegion undoes InRegion; region is "" for a host that names none.
func ofRegion(host string) (machine, region string) {
	a, b, ok := strings.Cut(strings.TrimSuffix(host, regionHost), ".")
	if !ok || !strings.HasSuffix(host, regionHost) {
		return host, ""
	}
	m, err1 := hex.DecodeString(a)
	r, err2 := hex.DecodeString(b)
	if err1 != nil || err2 != nil || len(r) == 0 {
		return host, ""
	}
	return string(m), string(r)
}
