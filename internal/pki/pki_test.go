package pki_test

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func id(role pki.Role) pki.Identity {
	return pki.Identity{Role: role, Region: "global", ID: idgen.Random().NewID()}
}

func newRoot(t testing.TB, at time.Time, previous *pki.Root) *pki.Root {
	t.Helper()
	r, err := pki.NewRoot("global", at, previous)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func issue(t testing.TB, r *pki.Root, who pki.Identity, at time.Time, ttl time.Duration, trusted *pki.Bundle) *pki.Credentials {
	t.Helper()
	key, der, err := pki.NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := r.Issue(csr, who, at, ttl)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.NewCredentials(chain, key, trusted)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACertificateSaysWhoItsHolderIs(t *testing.T) {
	root := newRoot(t, now, nil)
	bundle := pki.NewBundle(root.Cert)
	for _, role := range []pki.Role{pki.RoleServer, pki.RoleClient} {
		who := id(role)
		c := issue(t, root, who, now, pki.LeafTTL, bundle)
		got, err := bundle.Verify(c.Chain, now)
		if err != nil || got != who {
			t.Errorf("%s: got %v, %v; want %v", role, got, err, who)
		}
		if len(c.Leaf().URIs) != 1 || c.Leaf().URIs[0].String() != who.String() {
			t.Errorf("URIs %v, want %s", c.Leaf().URIs, who)
		}
	}
}

func TestClocksThatAreOff(t *testing.T) {
	root := newRoot(t, now, nil)
	bundle := pki.NewBundle(root.Cert)
	c := issue(t, root, id(pki.RoleClient), now, pki.LeafTTL, bundle)
	for _, x := range []struct {
		name string
		at   time.Time
		want []string // in the error; none: accepted
	}{
		{"right", now, nil},
		{"a day behind", now.Add(-24 * time.Hour), nil},
		{"almost a day ahead", now.Add(24*time.Hour - time.Second), nil},
		{"two days behind", now.Add(-48 * time.Hour), []string{"not valid before 2026-11-22 11:00:00 UTC", "checks it says 2026-11-21 12:00:00 UTC", "date -u"}},
		{"two days ahead", now.Add(48 * time.Hour), []string{"expired at 2026-11-24 12:00:00 UTC", "checks it says 2026-11-25 12:00:00 UTC", "join token"}},
	} {
		_, err := bundle.Verify(c.Chain, x.at)
		if (err != nil) != (x.want != nil) {
			t.Errorf("%s: %v", x.name, err)
		}
		for _, w := range x.want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", x.name, err, w)
			}
		}
		if err != nil && structs.KindOf(err) != structs.KindUnauthorised {
			t.Errorf("%s: kind %s", x.name, structs.KindOf(err))
		}
	}
}

func TestRotationWithTwoRoots(t *testing.T) {
	first := newRoot(t, now, nil)
	second := newRoot(t, now, first)
	third := newRoot(t, now, second)
	onlyFirst, both, onlySecond := pki.NewBundle(first.Cert), pki.NewBundle(second.Cert, first.Cert), pki.NewBundle(second.Cert)
	old := issue(t, first, id(pki.RoleServer), now, pki.LeafTTL, onlyFirst)
	fresh := issue(t, second, id(pki.RoleServer), now, pki.LeafTTL, both)
	later := issue(t, third, id(pki.RoleServer), now, pki.LeafTTL, both)
	for _, x := range []struct {
		name   string
		bundle *pki.Bundle
		chain  []*x509.Certificate
		ok     bool
	}{
		{"who knows both takes the old", both, old.Chain, true},
		{"who knows both takes the new", both, fresh.Chain, true},
		{"who knows the old root alone takes the new by its cross certificate", onlyFirst, fresh.Chain, true},
		{"after the old root was retired its certificates are refused", onlySecond, old.Chain, false},
		{"and the new ones are not", onlySecond, fresh.Chain, true},
		{"a cross certificate leads back one root", both, later.Chain, true},
		{"and not two", onlyFirst, later.Chain, false},
		{"a leaf without its cross certificate is not known to who has the old root", onlyFirst, fresh.Chain[:1], false},
	} {
		_, err := x.bundle.Verify(x.chain, now)
		if (err == nil) != x.ok {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

func TestAnotherClustersCertificateIsRefused(t *testing.T) {
	mine, theirs := newRoot(t, now, nil), newRoot(t, now, nil)
	c := issue(t, theirs, id(pki.RoleServer), now, pki.LeafTTL, pki.NewBundle(theirs.Cert))
	_, err := pki.NewBundle(mine.Cert).Verify(c.Chain, now)
	if err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("got %v", err)
	}
	// A root in the chain does not make itself trusted.
	if _, err := pki.NewBundle(mine.Cert).Verify(append(c.Chain, theirs.Cert), now); err == nil {
		t.Error("a chain brought its own root")
	}
}

func TestAnIssuedCertificateIsNoAuthority(t *testing.T) {
	root := newRoot(t, now, nil)
	if c := issue(t, root, id(pki.RoleClient), now, time.Hour, pki.NewBundle(root.Cert)); c.Leaf().IsCA {
		t.Error("a node's certificate may sign others")
	}
}

func TestIdentityText(t *testing.T) {
	good := id(pki.RoleClient)
	if got, err := pki.ParseIdentity(good.String()); err != nil || got != good {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "berth://", "http://global/server/" + good.ID.String(), "berth://global/king/" + good.ID.String(),
		"berth:///server/" + good.ID.String(), "berth://glo bal/server/" + good.ID.String(), "berth://global/server/1", good.String() + "/x",
		"berth://global/server/00000000-0000-0000-0000-000000000000"} {
		if got, err := pki.ParseIdentity(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

func TestSealedKeysOpenOnlyWithTheClustersKey(t *testing.T) {
	k, err := pki.NewClusterKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := pki.NewClusterKey()
	if err != nil {
		t.Fatal(err)
	}
	root, second := newRoot(t, now, nil), newRoot(t, now, nil)
	sealed, err := k.SealKey(root)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := k.OpenRoot(root.Cert.Raw, nil, sealed)
	if err != nil {
		t.Fatal(err)
	}
	bundle := pki.NewBundle(root.Cert)
	if _, err := bundle.Verify(issue(t, opened, id(pki.RoleServer), now, time.Hour, bundle).Chain, now); err != nil {
		t.Error(err)
	}
	for name, f := range map[string]func() error{
		"another cluster's key": func() error { _, err := other.OpenRoot(root.Cert.Raw, nil, sealed); return err },
		"another root":          func() error { _, err := k.OpenRoot(second.Cert.Raw, nil, sealed); return err },
		"a flipped bit": func() error {
			bad := append([]byte(nil), sealed...)
			bad[len(bad)/2] ^= 1
			_, err := k.OpenRoot(root.Cert.Raw, nil, bad)
			return err
		},
		"nothing": func() error { _, err := k.OpenRoot(root.Cert.Raw, nil, nil); return err },
	} {
		if err := f(); !errors.Is(err, pki.ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, _ := k.Derive("gossip", 32)
	b, _ := k.Derive("log", 32)
	if string(a) == string(b) {
		t.Error("two purposes have the same key")
	}
}

func TestFilesOfAMachine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	if _, err := pki.Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("without files: %v", err)
	}
	root := newRoot(t, now, nil)
	bundle := pki.NewBundle(root.Cert)
	c := issue(t, root, id(pki.RoleServer), now, time.Hour, bundle)
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	back, err := pki.Load(dir)
	if err != nil || back.ID != c.ID || !back.Trusted.Equal(bundle) || !back.Leaf().Equal(c.Leaf()) {
		t.Fatalf("%+v, %v", back, err)
	}
	k, err := pki.NewClusterKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(k.SaveKey(dir), k.SaveRoot(dir, root)); err != nil {
		t.Fatal(err)
	}
	k2, err := pki.LoadClusterKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, err := k2.LoadRoot(dir)
	if err != nil || first.Digest() != root.Digest() || first.Cross != nil {
		t.Fatalf("%v, %v", first, err)
	}
	second := newRoot(t, now, root)
	if err := k.SaveRoot(dir, second); err != nil {
		t.Fatal(err)
	}
	if r, err := k2.LoadRoot(dir); err != nil || r.Digest() != second.Digest() || r.Cross == nil {
		t.Fatalf("%v, %v", r, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", e.Name(), info.Mode(), err)
		}
	}
}

func TestWhatIsTakenFromAServerMustBeWhatWasAskedFor(t *testing.T) {
	root, other := newRoot(t, now, nil), newRoot(t, now, nil)
	bundle := pki.NewBundle(root.Cert)
	who := id(pki.RoleClient)
	key, der, err := pki.NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := root.Issue(csr, who, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	text := pki.EncodeChain(chain)
	if _, err := pki.Accept(key, text, bundle.PEM(), who, now); err != nil {
		t.Error(err)
	}
	asServer := who
	asServer.Role = pki.RoleServer
	key2, _, err := pki.NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"another role":   func() error { _, err := pki.Accept(key, text, bundle.PEM(), asServer, now); return err },
		"another root":   func() error { _, err := pki.Accept(key, text, pki.NewBundle(other.Cert).PEM(), who, now); return err },
		"another key":    func() error { _, err := pki.Accept(key2, text, bundle.PEM(), who, now); return err },
		"expired":        func() error { _, err := pki.Accept(key, text, bundle.PEM(), who, now.Add(2*time.Hour)); return err },
		"no roots":       func() error { _, err := pki.Accept(key, text, nil, who, now); return err },
		"leaf as root":   func() error { _, err := pki.Accept(key, text, text, who, now); return err },
		"no certificate": func() error { _, err := pki.Accept(key, nil, bundle.PEM(), who, now); return err },
	} {
		if f() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzCertificateFiles(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	root, err := pki.NewRoot("global", now, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pki.NewBundle(root.Cert).PEM())
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := pki.ParseBundle(text)
		if err != nil {
			return
		}
		again, err := pki.ParseBundle(b.PEM())
		if err != nil || !again.Equal(b) {
			t.Errorf("a bundle that was read does not come back: %v", err)
		}
	})
}

func FuzzCertificateRequest(f *testing.F) {
	_, der, err := pki.NewRequest()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	root, err := pki.NewRoot("global", now, nil)
	if err != nil {
		f.Fatal(err)
	}
	bundle := pki.NewBundle(root.Cert)
	who := id(pki.RoleClient)
	f.Fuzz(func(t *testing.T, der []byte) {
		csr, err := pki.ParseRequest(der)
		if err != nil {
			return
		}
		chain, err := root.Issue(csr, who, now, time.Hour)
		if err != nil {
			t.Fatalf("a request that was read is not answered: %v", err)
		}
		if got, err := bundle.Verify(chain, now); err != nil || got != who {
			t.Errorf("a request decided who its holder is: %v, %v", got, err)
		}
	})
}
