package acl

import (
	"crypto/sha256"
	"sync"
)

// maxCached is how many compiled sets of policies a cache keeps, by the contract.
const maxCached = 512

// Source is a stored policy: its name and its text.
type Source struct{ Name, Rules string }

// Cache keeps compiled policies by what they say. It may be used by many.
type Cache struct {
	mu  sync.Mutex // guards acl
	acl map[[sha256.Size]byte]*ACL
}

// Compile gives the ACL of policies. One that cannot be read makes it an error: half of what was meant is not enforced.
func (c *Cache) Compile(policies []Source) (*ACL, error) {
	h := sha256.New()
	for _, p := range policies {
		sum := sha256.Sum256([]byte(p.Rules))
		h.Write(sum[:])
	}
	key := [sha256.Size]byte(h.Sum(nil))
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.acl[key]; a != nil {
		return a, nil
	}
	parsed := make([]*Policy, len(policies))
	for i, p := range policies {
		var err error
		if parsed[i], err = Parse(p.Rules); err != nil {
			return nil, invalid("policy %q cannot be read: %v", p.Name, err)
		}
	}
	a := Compile(parsed)
	if c.acl == nil || len(c.acl) >= maxCached {
		c.acl = map[[sha256.Size]byte]*ACL{}
	}
	c.acl[key] = a
	return a, nil
}
