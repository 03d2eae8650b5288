package transport_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

// door lets in whoever has the one token.
type door struct {
	c     *cluster
	token *pki.Token
}

func (d *door) Join(_ context.Context, req *transport.JoinRequest) (*transport.JoinResponse, error) {
	tok, err := pki.ParseToken(req.Token)
	if err != nil {
		return nil, err
	}
	if tok.ID != d.token.ID || !tok.Matches(d.token.Hash()) {
		return nil, &structs.Error{Op: "join", Kind: structs.KindUnauthorised, Err: errors.New("the token is not known here"), Hint: "make a new one"}
	}
	chain := d.c.chain(req.CSR, pki.Identity{Role: tok.Role, Region: "global", ID: req.ID}, time.Now(), time.Hour)
	res := &transport.JoinResponse{Region: "global", Chain: pki.EncodeChain(chain), Roots: pki.NewBundle(d.c.root.Cert).PEM(), Servers: []string{"10.0.0.1:4647"}}
	if tok.Role == pki.RoleServer {
		res.ClusterKey = d.c.key.Bytes()
	}
	return res, nil
}

func (c *cluster) token(role pki.Role, addrs ...string) *pki.Token {
	c.t.Helper()
	tok, err := pki.NewToken(idgen.Random().NewID(), role, time.Now().Add(time.Hour), c.root.Digest(), addrs)
	if err != nil {
		c.t.Fatal(err)
	}
	return tok
}

func TestAMachineJoinsWithNothingButItsToken(t *testing.T) {
	c := newCluster(t)
	for _, role := range []pki.Role{pki.RoleClient, pki.RoleServer} {
		d := &door{c: c}
		server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Joiner = d })
		d.token = c.token(role, "127.0.0.1:1", server.Addr()) // the first address answers nobody
		text := d.token.Text()
		tok, err := pki.ParseToken(text)
		if err != nil {
			t.Fatal(err)
		}
		id := idgen.Random().NewID()
		j, err := transport.Join(t.Context(), transport.JoinConfig{Token: tok, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if want := (pki.Identity{Role: role, Region: "global", ID: id}); j.Credentials.ID != want || len(j.Servers) != 1 || (j.ClusterKey != nil) != (role == pki.RoleServer) {
			t.Errorf("%+v", j)
		}
		m := c.start(pki.RoleClient, func(cfg *transport.Config) {
			cfg.ID, cfg.Role, cfg.Credentials = id, role, pki.NewSource(j.Credentials)
		})
		if _, err := m.Connect(t.Context(), server.Addr()); err != nil {
			t.Errorf("with what it got: %v", err)
		}
	}
}

func TestAMachineThatMayNotJoinIsToldWhy(t *testing.T) {
	c, other := newCluster(t), newCluster(t)
	d := &door{c: c}
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Joiner = d })
	closed := c.start(pki.RoleServer, nil)
	d.token = c.token(pki.RoleClient)
	week, err := pki.NewToken(idgen.Random().NewID(), pki.RoleClient, time.Now().Add(7*24*time.Hour), c.root.Digest(), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := idgen.Random().NewID()
	for _, x := range []struct {
		name string
		cfg  transport.JoinConfig
		want string
		kind structs.ErrorKind
	}{
		{"a token of another cluster", transport.JoinConfig{Token: other.token(pki.RoleClient, server.Addr())}, "another cluster", structs.KindUnauthorised},
		{"a token that is not known", transport.JoinConfig{Token: c.token(pki.RoleClient, server.Addr())}, "not known here (make a new one)", structs.KindUnauthorised},
		{"no address", transport.JoinConfig{Token: c.token(pki.RoleClient)}, "names a server", structs.KindInvalid},
		{"an expired token", transport.JoinConfig{Token: d.token, Addresses: []string{server.Addr()}, Now: func() time.Time { return time.Now().Add(2 * time.Hour) }}, "expired at", structs.KindUnauthorised},
		{"a clock two days behind", transport.JoinConfig{Token: d.token, Addresses: []string{server.Addr()}, Now: func() time.Time { return time.Now().Add(-48 * time.Hour) }},
			"one of the two clocks is wrong: compare `date -u` on both machines", structs.KindUnauthorised},
		{"a clock a day ahead", transport.JoinConfig{Token: d.token, Addresses: []string{server.Addr()}, Now: func() time.Time { return time.Now().Add(25 * time.Hour) }},
			"compare `date -u` on both machines", structs.KindUnauthorised},
		{"a clock a day ahead, a token for a week", transport.JoinConfig{Token: week, Addresses: []string{server.Addr()}, Now: func() time.Time { return time.Now().Add(25 * time.Hour) }},
			"one of the two clocks is wrong: compare `date -u` on both machines", structs.KindUnauthorised},
		{"a server that lets nobody join", transport.JoinConfig{Token: d.token, Addresses: []string{closed.Addr()}}, "lets no machines join", structs.KindUnavailable},
		{"nobody there", transport.JoinConfig{Token: d.token, Addresses: []string{"127.0.0.1:1"}}, "refused", structs.KindUnavailable},
	} {
		x.cfg.ID = id
		_, err := transport.Join(t.Context(), x.cfg)
		if err == nil || !strings.Contains(err.Error(), x.want) || structs.KindOf(err) != x.kind {
			t.Errorf("%s: %v (%s); want %q (%s)", x.name, err, structs.KindOf(err), x.want, x.kind)
		}
	}
	behind := func() time.Time { return time.Now().Add(-24 * time.Hour) }
	if _, err := transport.Join(t.Context(), transport.JoinConfig{Token: d.token, ID: id, Addresses: []string{server.Addr()}, Now: behind}); err != nil {
		t.Errorf("a clock a day behind, which certificates allow for: %v", err)
	}
}
