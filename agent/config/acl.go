package config

import (
	"net"
	"net/netip"
	"time"
)

// ACL is who may use the API.
type ACL struct {
	Enabled bool
	// TTL is how long an agent that hears of no leader goes on with what it last knew of tokens: the least of token_ttl, policy_ttl and role_ttl.
	TTL time.Duration
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
	b.duration(&c.MinExpiration, f.MinExpiration, "acl.token_min_expiration_ttl")
	b.duration(&c.MaxExpiration, f.MaxExpiration, "acl.token_max_expiration_ttl")
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
