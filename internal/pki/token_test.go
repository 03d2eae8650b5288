package pki_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/structs"
)

func newToken(t testing.TB, role pki.Role, ca pki.Digest, addrs ...string) *pki.Token {
	t.Helper()
	tok, err := pki.NewToken(idgen.Random().NewID(), role, now.Add(time.Hour), ca, addrs)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestATokenComesBackFromItsText(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var ca pki.Digest
		copy(ca[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r, "ca"))
		var addrs []string
		for i := range rapid.IntRange(0, 8).Draw(r, "addresses") {
			addrs = append(addrs, fmt.Sprintf("%s:%d", rapid.StringMatching(`[a-z][a-z0-9.-]{0,60}`).Draw(r, "host"), 1+i*1000))
		}
		role := rapid.SampledFrom([]pki.Role{pki.RoleServer, pki.RoleClient}).Draw(r, "role")
		expires := time.Unix(rapid.Int64Range(0, 1<<35).Draw(r, "expires"), 0).UTC()
		tok, err := pki.NewToken(idgen.Random().NewID(), role, expires, ca, addrs)
		if err != nil {
			r.Fatal(err)
		}
		back, err := pki.ParseToken(" " + tok.Text() + "\n")
		if err != nil {
			r.Fatal(err)
		}
		if back.ID != tok.ID || back.Role != role || !back.Expires.Equal(expires) || back.CA != ca ||
			strings.Join(back.Addresses, " ") != strings.Join(addrs, " ") || !back.Matches(tok.Hash()) {
			r.Fatalf("%+v came back as %+v", tok, back)
		}
	})
}

func TestADamagedTokenIsToldFromNone(t *testing.T) {
	text := newToken(t, pki.RoleClient, pki.Digest{1}, "10.0.0.1:4647").Text()
	for name, x := range map[string]struct{ text, want string }{
		"nothing":         {"", "does not begin with"},
		"another word":    {"SWMTKN-1-abc", "does not begin with"},
		"another role":    {strings.Replace(text, "client", "server", 1), "outside"},
		"unknown role":    {strings.Replace(text, "client", "king", 1), "does not begin with"},
		"cut":             {text[:len(text)-8], "cut off or mistyped"},
		"very short":      {text[:30], "too short"},
		"a letter":        {text[:60] + flip(text[60]) + text[61:], "cut off or mistyped"},
		"a strange sign":  {text[:60] + "!" + text[61:], "cut off or mistyped: it holds a character"},
		"endless":         {text + strings.Repeat("A", 5000), "characters"},
		"something after": {text + "AAAA", "cut off or mistyped"},
	} {
		tok, err := pki.ParseToken(x.text)
		if err == nil || !strings.Contains(err.Error(), x.want) || structs.KindOf(err) != structs.KindInvalid {
			t.Errorf("%s: %v, %v; want %q", name, tok, err, x.want)
		}
		if err != nil && len(x.text) > 80 && strings.Contains(err.Error(), x.text[40:80]) {
			t.Errorf("%s: the error shows the token: %v", name, err)
		}
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestOnlyTheSecretMatches(t *testing.T) {
	a, b := newToken(t, pki.RoleClient, pki.Digest{1}), newToken(t, pki.RoleClient, pki.Digest{1})
	if !a.Matches(a.Hash()) || a.Matches(b.Hash()) || a.Matches(pki.SecretHash{}) {
		t.Error("a secret and its hash do not belong together alone")
	}
	if shown := fmt.Sprintf("%v %+v %s", a, a, a); strings.Contains(shown, a.Text()[60:80]) {
		t.Errorf("printing a token shows its secret: %s", shown)
	}
}

func TestAnExpiredTokenNamesBothTimes(t *testing.T) {
	tok := newToken(t, pki.RoleServer, pki.Digest{})
	if err := tok.CheckTime(now); err != nil {
		t.Error(err)
	}
	err := tok.CheckTime(now.Add(time.Hour))
	if err == nil || !strings.Contains(err.Error(), "expired at 2026-11-23 13:00:00 UTC") || !strings.Contains(err.Error(), "checks it says 2026-11-23 13:00:00") {
		t.Errorf("got %v", err)
	}
}

func TestBadAddressesMakeNoToken(t *testing.T) {
	for _, a := range []string{"", "host", ":4647", "host:0", "host:99999", "host:http", "a b:1", strings.Repeat("h", 300) + ":1"} {
		if _, err := pki.NewToken(idgen.Random().NewID(), pki.RoleClient, now, pki.Digest{}, []string{a}); err == nil {
			t.Errorf("address %q was taken", a)
		}
	}
}

func TestTheServerOfATokenIsKnownByItsRoot(t *testing.T) {
	first := newRoot(t, now, nil)
	second := newRoot(t, now, first)
	stranger := newRoot(t, now, nil)
	both := pki.NewBundle(second.Cert, first.Cert)
	server := issue(t, second, id(pki.RoleServer), now, pki.LeafTTL, both)
	client := issue(t, second, id(pki.RoleClient), now, pki.LeafTTL, both)
	evil := issue(t, stranger, id(pki.RoleServer), now, pki.LeafTTL, pki.NewBundle(stranger.Cert))
	with := func(c *pki.Credentials, roots ...*x509.Certificate) []*x509.Certificate {
		return append(c.Chain, roots...)
	}
	for _, x := range []struct {
		name  string
		token *pki.Token
		chain []*x509.Certificate
		at    time.Time
		want  string // "" is accepted
	}{
		{"the root that issued", newToken(t, pki.RoleClient, second.Digest()), with(server, second.Cert, first.Cert), now, ""},
		{"the root before, a rotation ago", newToken(t, pki.RoleClient, first.Digest()), with(server, second.Cert, first.Cert), now, ""},
		{"another cluster", newToken(t, pki.RoleClient, first.Digest()), with(evil, stranger.Cert), now, "another cluster"},
		{"another cluster that shows our root", newToken(t, pki.RoleClient, first.Digest()), with(evil, stranger.Cert, first.Cert), now, "does not know"},
		{"a client in the place of a server", newToken(t, pki.RoleClient, second.Digest()), with(client, second.Cert), now, "only servers"},
		{"no certificate", newToken(t, pki.RoleClient, second.Digest()), nil, now, "no certificate"},
		{"a clock a year ahead", newToken(t, pki.RoleClient, second.Digest()), with(server, second.Cert), now.AddDate(1, 0, 0), "expired at"},
		{"a clock a week behind", newToken(t, pki.RoleClient, second.Digest()), with(server, second.Cert), now.AddDate(0, 0, -7), "not valid before"},
	} {
		_, err := x.token.VerifyJoin(x.chain, x.at)
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", x.name, err, x.want)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(newToken(f, pki.RoleServer, pki.Digest{7}, "10.0.0.1:4647", "[fd00::1]:4647").Text())
	f.Add(newToken(f, pki.RoleClient, pki.Digest{}).Text())
	f.Add("berth-join-client-")
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := pki.ParseToken(text)
		if err != nil {
			return
		}
		if back := tok.Text(); back != strings.NewReplacer("\r", "", "\n", "").Replace(strings.TrimSpace(text)) {
			t.Errorf("%q was read and comes back as %q", text, back)
		}
	})
}
