package authority_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/internal/pki"
	"berth/server/authority"
	"berth/structs"
)

// A machine whose certificates are revoked gets none: not with a token, not with the certificate it had, not on its connection. It does when
// that is taken back; and when nothing it could come back with is left, the revocation is forgotten.
func TestARevokedMachineGetsNoCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := w.run(t)
		defer func() { stop() }()
		synctest.Wait()
		tok, _, err := w.CreateToken(t.Context(), authority.TokenRequest{Role: pki.RoleServer})
		if err != nil {
			t.Fatal(err)
		}
		req := request(t, tok.Text())
		res, err := w.Join(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := pki.ParseChain(res.Chain)
		if err != nil {
			t.Fatal(err)
		}
		id := identity(t, res)
		back := *req
		back.Token = ""
		for _, c := range chain {
			back.Shown = append(back.Shown, c.Raw)
		}
		ways := map[string]func() error{
			"with a token":              func() error { _, err := w.Join(t.Context(), req); return err },
			"with what it had":          func() error { _, err := w.Join(t.Context(), &back); return err },
			"on a connection it has":    func() error { _, _, err := w.Renew(id, req.CSR); return err },
			"by the servers' own check": func() error { return w.source.CheckRevoked(chain[0], id.ID) },
		}
		look := func(when string, refused bool) {
			t.Helper()
			w.source.Revoke(authority.Revoked(w.store.Snapshot()))
			for name, way := range ways {
				if err := way(); (err != nil) != refused || refused && (!strings.Contains(err.Error(), "revoked") || structs.KindOf(err) != structs.KindUnauthorised) {
					t.Errorf("%s, %s: %v", when, name, err)
				}
			}
		}
		look("before", false)
		r, err := w.Revoke(t.Context(), strings.ToUpper(id.ID.String()), "stolen")
		if err != nil || r.Name != id.ID.String() || r.Reason != "stolen" || r.RevokedAt != time.Now().UnixNano() {
			t.Fatalf("%+v, %v", r, err)
		}
		look("revoked", true)
		time.Sleep(time.Hour)
		if again, err := w.Revoke(t.Context(), id.ID.String(), "once more"); err != nil || again.Reason != "stolen" || again.RevokedAt != r.RevokedAt {
			t.Errorf("revoked again: %+v, %v", again, err)
		}
		if err := w.Reinstate(t.Context(), id.ID.String()); err != nil {
			t.Fatal(err)
		}
		tok2, _, err := w.CreateToken(t.Context(), authority.TokenRequest{Role: pki.RoleServer, TTL: 24 * 29 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		req.Token = tok2.Text()
		look("taken back", false)
		if err := w.Reinstate(t.Context(), id.ID.String()); structs.KindOf(err) != structs.KindNotFound {
			t.Errorf("taken back twice: %v", err)
		}

		if _, err := w.Revoke(t.Context(), pki.Serial(chain[0]), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Join(t.Context(), &back); err == nil || !strings.Contains(err.Error(), "the certificate "+pki.Serial(chain[0])) {
			t.Errorf("with the certificate that is revoked: %v", err)
		}
		if _, err := w.Join(t.Context(), req); err != nil {
			t.Errorf("one certificate of a machine is revoked, and it gets no other: %v", err)
		}
		stands := func() bool { return w.store.Snapshot().CertificateRevocation(pki.Serial(chain[0])) != nil }
		later := func(d time.Duration) { // nobody looks meanwhile
			stop()
			time.Sleep(d)
			stop = w.run(t)
			synctest.Wait()
		}
		if later(31 * 24 * time.Hour); !stands() {
			t.Error("the revocation is forgotten while its machine may come back")
		}
		if later(2 * 24 * time.Hour); stands() {
			t.Error("the revocation stands for ever")
		}
		if _, err := w.Join(t.Context(), &back); err == nil || !strings.Contains(err.Error(), "expired at") {
			t.Errorf("with a certificate that ended long ago: %v", err)
		}
	})
}

func TestWhatIsNotRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run(t)()
		synctest.Wait()
		own, err := w.source.Current()
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"web":                  "neither the whole id of a machine nor the serial number",
			w.me.ID.String():       "it would shut itself out",
			pki.Serial(own.Leaf()): "it would shut itself out",
		} {
			if _, err := w.Revoke(t.Context(), name, ""); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Revoke(t.Context(), "ff", strings.Repeat("x", 257)); err == nil || !strings.Contains(err.Error(), "257 bytes") {
			t.Errorf("a long reason: %v", err)
		}
		for i := range 10_000 {
			if _, err := w.host.Propose(t.Context(), structs.CmdCertificateRevoke, &structs.CertificateRevokeCommand{
				Revocation: &structs.CertificateRevocation{Name: fmt.Sprintf("%x", i+1), ExpiresAt: 1 << 62}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Revoke(t.Context(), "ffffffff", ""); structs.KindOf(err) != structs.KindLimit {
			t.Errorf("one too many: %v", err)
		}
	})
}
