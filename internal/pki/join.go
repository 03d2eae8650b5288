package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"berth/structs"
)

// VerifyJoin checks the chain a server shows to a machine that has nothing but a token: the token's root must be in it, must
// have issued the server's certificate (directly or through a cross certificate), and the certificate must be a server's.
func (t *Token) VerifyJoin(chain []*x509.Certificate, now time.Time) (Identity, error) {
	wrong := func(err error, hint string) (Identity, error) {
		return Identity{}, &structs.Error{Op: "join with token", Subject: t.ID.Short(), Kind: structs.KindUnauthorised, Err: err, Hint: hint}
	}
	if len(chain) == 0 {
		return wrong(errors.New("the server shows no certificate"), "")
	}
	var root *x509.Certificate
	for _, c := range chain[1:] {
		if DigestOf(c) == t.CA && c.IsCA {
			root = c
		}
	}
	if root == nil {
		return wrong(fmt.Errorf("the server belongs to another cluster: its root is not %s, which the token names", t.CA),
			"check the address, or take a token of that cluster")
	}
	for _, c := range []*x509.Certificate{root, chain[0]} {
		if err := outside(c, now); err != nil { // it is the server's, and servers renew theirs
			return wrong(err, clocks)
		}
	}
	id, err := NewBundle(root).Verify(chain, now)
	if err != nil {
		return wrong(err, "")
	}
	if id.Role != RoleServer {
		return wrong(fmt.Errorf("it is answered by a %s: only servers let machines join", id.Role), "check the address")
	}
	return id, nil
}
