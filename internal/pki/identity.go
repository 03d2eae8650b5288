package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"berth/structs"
)

// Role is what a machine may be in a cluster. A certificate carries exactly one.
type Role string

// The roles. A server may do all a client may.
const (
	RoleServer Role = "server"
	RoleClient Role = "client"
)

// RoleRegion is what a token is for that joins another region with this one. No certificate carries it.
const RoleRegion Role = "region"

// Valid reports whether r is one of the roles of a machine.
func (r Role) Valid() bool { return r == RoleServer || r == RoleClient }

// OfToken reports whether a token can be for r.
func (r Role) OfToken() bool { return r.Valid() || r == RoleRegion }

// Identity is who the holder of a certificate is.
type Identity struct {
	Role   Role
	Region string
	ID     structs.ID // of the server or of the node
}

// scheme of the URI an identity is written as.
const scheme = "berth"

// maxRegion bounds a region's name, in bytes.
const maxRegion = 128

// URI is the identity as a certificate carries it: berth://<region>/<role>/<id>.
func (i Identity) URI() *url.URL {
	return &url.URL{Scheme: scheme, Host: i.Region, Path: "/" + string(i.Role) + "/" + i.ID.String()}
}

// String is the URI.
func (i Identity) String() string { return i.URI().String() }

// Validate reports what is missing or malformed.
func (i Identity) Validate() error {
	switch {
	case !i.Role.Valid():
		return fmt.Errorf("role %q is neither %q nor %q", i.Role, RoleServer, RoleClient)
	case CheckRegion(i.Region) != nil:
		return CheckRegion(i.Region)
	case i.ID.IsZero():
		return errors.New("an identity without an id")
	}
	return nil
}

// CheckRegion tells what is wrong with a region's name.
func CheckRegion(name string) error {
	if name == "" || len(name) > maxRegion || strings.Trim(name, regionLetters) != "" {
		return fmt.Errorf("region %q: a region's name is 1 to %d letters, digits, dots, dashes and underscores", name, maxRegion)
	}
	return nil
}

const regionLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// ParseIdentity reads the text form.
func ParseIdentity(s string) (Identity, error) {
	rest, ok := strings.CutPrefix(s, scheme+"://")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return Identity{}, fmt.Errorf("%q is not an identity: it reads %s://<region>/<role>/<id>", s, scheme)
	}
	id, err := structs.ParseID(parts[2])
	if err != nil {
		return Identity{}, fmt.Errorf("identity %q: %w", s, err)
	}
	i := Identity{Region: parts[0], Role: Role(parts[1]), ID: id}
	if err := i.Validate(); err != nil {
		return Identity{}, fmt.Errorf("identity %q: %w", s, err)
	}
	return i, nil
}

// IdentityOf reads the identity of a certificate. The caller has verified its chain. Certificates of others (the tls block of the
// configuration) have no Berth URI: their role and region are read from the names "server.<region>.nomad" and
// "client.<region>.nomad", and their id is zero.
func IdentityOf(c *x509.Certificate) (Identity, error) {
	var found []*url.URL
	for _, u := range c.URIs {
		if u.Scheme == scheme {
			found = append(found, u)
		}
	}
	switch len(found) {
	case 1:
		return ParseIdentity(found[0].String())
	case 0:
		return identityOfNames(c.DNSNames)
	}
	return Identity{}, errors.New("a certificate with more than one identity")
}

// roleDomains are what follows the region in the contract's and in Berth's own host names.
var roleDomains = []string{".nomad", ".berth"}

func identityOfNames(names []string) (Identity, error) {
	var best Identity
	for _, name := range names {
		for _, domain := range roleDomains {
			rest, ok := strings.CutSuffix(name, domain)
			if !ok {
				continue
			}
			role, region, ok := strings.Cut(rest, ".")
			if !ok || !Role(role).Valid() || region == "" {
				continue
			}
			if best.Role != RoleServer { // a certificate with both names is a server's
				best = Identity{Role: Role(role), Region: region}
			}
		}
	}
	if best.Role == "" {
		return Identity{}, errors.New("the certificate says neither who its holder is (a berth:// URI) nor what (server.<region>.nomad or client.<region>.nomad)")
	}
	return best, nil
}
