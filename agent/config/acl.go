package config

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"berth/structs"
)

// ACL is who may use the API.
type ACL struct {
	Enabled bool
	// TTL is how long an agent that hears of no leader goes on with what it last knew of tokens: the least of token_ttl, policy_ttl and role_ttl.
	TTL time.Duration
	// ReplicationToken is the secret of a management token of the authoritative region, zero without one.
	ReplicationToken structs.ID
	// MinExpiration and MaxExpiration bound the life of tokens that expire.
	MinExpiration, MaxExpiration time.Duration
}

// Defaults by the contract.
const (
	aclTTL        = 30 * time.Second
	minExpiration = time.Minute
	maxExpiration = 24 * time.Hour
)

func (b *builder) acl(f *aclBlock) {
	c := &b.c.ACL
	set(&c.Enabled, f.Enabled)
	token, policy, role := aclTTL, aclTTL, aclTTL
	b.duration(&token, f.TokenTTL, "acl.token_ttl")
	b.duration(&policy, f.PolicyTTL, "acl.policy_ttl")
	b.duration(&role, f.RoleTTL, "acl.role_ttl")
	c.TTL = min(token, policy, role)
	if f.ReplicationToken != nil {
		id, err := structs.ParseID(*f.ReplicationToken)
		if err != nil || id.IsZero() { // what it is instead is a secret all the same
			b.fail("acl.replication_token is not the secret of a token: it is a UUID, the Secret ID that `berth acl token create` prints")
		}
		c.ReplicationToken = id
	}
	b.duration(&c.MinExpiration, f.MinExpiration, "acl.token_min_expiration_ttl")
	b.duration(&c.MaxExpiration, f.MaxExpiration, "acl.token_max_expiration_ttl")
}

// Follows reports whether another region decides over the policies, roles, global tokens, namespaces and node pools of this one.
func (c *Config) Follows() bool { return c.Authority() != c.Region }

// Authority is the region that decides over them: this one unless the configuration names another. Without access control every region
// decides for itself.
func (c *Config) Authority() string {
	if !c.Server.Enabled || !c.ACL.Enabled || c.Server.AuthoritativeRegion == "" {
		return c.Region
	}
	return c.Server.AuthoritativeRegion
}

// checkAuthority warns of settings that another region decides by or not.
func (c *Config) checkAuthority() {
	warn := func(format string, args ...any) { c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...)) }
	r := c.Server.AuthoritativeRegion
	switch other := r != "" && r != c.Region; {
	case !other && c.Server.Enabled && !c.ACL.ReplicationToken.IsZero():
		warn("acl.replication_token has no effect: this region is the authoritative one, as server.authoritative_region names no other")
	case !other, !c.Server.Enabled:
	case c.Dev:
		warn("server.authoritative_region has no effect with -dev: such an agent is joined with no other region")
		c.Server.AuthoritativeRegion = ""
	case !c.ACL.Enabled:
		warn("server.authoritative_region has no effect while access control is off: set acl { enabled = true }")
	case c.ACL.ReplicationToken.IsZero():
		warn("server.authoritative_region = %q: nothing is taken over from that region until acl { replication_token } is set, to the secret of a management token of it", r)
	}
}

// Reachable reports whether other machines reach the API.
func (c *Config) Reachable() bool {
	host, _, err := net.SplitHostPort(c.HTTPAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !ip.IsLoopback()
}
