package security_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/agent/security"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

// trust keeps what the machine trusts as the state says.
func (a *agent) trust(ctx context.Context) {
	for {
		snap := a.host.store.Snapshot()
		_, changed := snap.RegionsW()
		if _, err := a.sec.TrustRegions(snap); err != nil {
			a.t.Error(err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func regionOf(t *testing.T, name string) *agent {
	a := newAgent(t, pki.RoleServer)
	a.region = name
	a.start(nil)
	return a
}

// knows waits until a region's record is as it should be.
func (a *agent) knows(region string, as func(r *structs.Region) bool) {
	a.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		snap := a.host.store.Snapshot()
		_, changed := snap.RegionsW()
		if r := snap.Region(region); r != nil && as(r) {
			return
		}
		select {
		case <-changed:
		case <-late:
			a.t.Fatalf("%s never knows region %s so: %+v", a.region, region, a.host.store.Snapshot().Region(region))
		}
	}
}

// call asks a machine of a region for something over the cluster port.
func (a *agent) call(to *agent, region, path string) (string, error) {
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "http://"+transport.InRegion(to.tr.Addr(), region)+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := a.tr.RoundTripper().RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.Status + " " + string(text), err
}

func (a *agent) eventually(what string, ok func() bool) {
	a.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			a.t.Fatalf("never: %s", what)
		}
	}
}

func TestRegionsComeToTrustEachOther(t *testing.T) {
	east, west, north := regionOf(t, "east"), regionOf(t, "west"), regionOf(t, "north")
	if err := reach(west, east); err == nil || !strings.Contains(err.Error(), `region "west" is not joined with that`) {
		t.Errorf("before they are joined: %v", err)
	}
	names, err := west.auth.JoinRegion(t.Context(), east.token(pki.RoleRegion))
	if err != nil || len(names) != 1 || names[0] != "east" {
		t.Fatalf("joined %v, %v", names, err)
	}
	// A third one is joined with one of them, and comes to know both.
	if _, err := north.auth.JoinRegion(t.Context(), west.token(pki.RoleRegion)); err != nil {
		t.Fatal(err)
	}
	trusted := func(r *structs.Region) bool { return !r.Forgotten && len(r.Roots) > 0 }
	for _, a := range []*agent{east, west, north} {
		for _, b := range []*agent{east, west, north} {
			if a == b {
				continue
			}
			a.knows(b.region, trusted)
			a.eventually(a.region+" reaches "+b.region, func() bool { return reach(a, b) == nil })
			if got, err := a.call(b, b.region, "/v1/jobs"); got != "200 OK here" {
				t.Errorf("%s asks %s: %q, %v", a.region, b.region, got, err)
			}
			// A machine of another region than was meant is not asked.
			if got, err := a.call(b, "south", "/v1/jobs"); !transport.Unsent(err) {
				t.Errorf("%s asks %s for another region: %q, %v", a.region, b.region, got, err)
			}
			// What decides who belongs to a region is the region's own.
			for _, path := range []string{"/v1/internal/node/register", "/v1/internal/certificate", "/v1/operator/join-tokens", "/v1/operator/ca", "/v1/operator/regions"} {
				if got, err := a.call(b, b.region, path); !strings.HasPrefix(got, "403") {
					t.Errorf("%s asks %s for %s: %q, %v", a.region, b.region, path, got, err)
				}
			}
		}
	}
	if r := east.host.store.Snapshot().Region("north"); r.Via != "west" {
		t.Errorf("east knows north from %q", r.Via)
	}

	// A new root reaches the others while the one before still vouches for it.
	before := east.host.store.Snapshot().ActiveRoot()
	if _, err := east.auth.Rotate(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	now := east.host.store.Snapshot().ActiveRoot()
	for _, a := range []*agent{west, north} {
		a.knows("east", func(r *structs.Region) bool {
			return len(r.Roots) == 2 && string(r.Roots[0]) == string(now.Certificate) && string(r.Roots[1]) == string(before.Certificate)
		})
	}

	// One that was forgotten stays so, whoever tells of it, until a token joins it again.
	if err := west.auth.ForgetRegion(t.Context(), "east"); err != nil {
		t.Fatal(err)
	}
	west.eventually("no session stands", func() bool {
		for _, p := range west.tr.Peers() {
			if p.Region == "east" {
				return false
			}
		}
		return true
	})
	if err := reach(west, east); err == nil {
		t.Error("west still reaches the region it forgot")
	}
	if _, err := north.auth.Rotate(t.Context(), false); err != nil { // north tells west all it knows
		t.Fatal(err)
	}
	west.knows("north", func(r *structs.Region) bool { return len(r.Roots) == 2 })
	if r := west.host.store.Snapshot().Region("east"); !r.Forgotten || len(r.Roots)+len(r.SealedKeys)+len(r.Servers) != 0 {
		t.Errorf("what west forgot came back: %+v", r)
	}
	if err := west.auth.ForgetRegion(t.Context(), "east"); structs.KindOf(err) != structs.KindNotFound {
		t.Errorf("forgotten twice: %v", err)
	}
	if _, err := west.auth.JoinRegion(t.Context(), east.token(pki.RoleRegion)); err != nil {
		t.Fatal(err)
	}
	west.eventually("west reaches east again", func() bool { return reach(west, east) == nil })
	if err := errors.Join(west.auth.ForgetRegion(t.Context(), "nowhere")); structs.KindOf(err) != structs.KindNotFound {
		t.Errorf("forgot what was never known: %v", err)
	}
}

func TestRegionsThatAreNotJoined(t *testing.T) {
	east, twin, west := regionOf(t, "east"), regionOf(t, "east"), regionOf(t, "west")
	token := func(a *agent, addr string) string {
		tok, err := pki.NewToken(a.id, pki.RoleRegion, time.Now().Add(time.Hour), pki.Digest{}, []string{addr})
		if err != nil {
			t.Fatal(err)
		}
		return tok.Text()
	}
	server := east.token(pki.RoleServer)
	for name, x := range map[string]struct {
		by          *agent
		token, want string
	}{
		"two of one name":        {twin, east.token(pki.RoleRegion), `both clusters are region "east"`},
		"itself":                 {east, east.token(pki.RoleRegion), `the token is of this region, "east", itself`},
		"a machine's token":      {west, server, "the token is for a server, not for a region"},
		"no token":               {west, "10.0.0.1:4648", "does not begin with"},
		"another's certificates": {west, token(east, east.tr.Addr()), "belongs to another cluster"},
		"nobody there":           {west, token(east, "127.0.0.1:1"), "connection refused"},
	} {
		if _, err := x.by.auth.JoinRegion(t.Context(), x.token); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", name, err, x.want)
		}
	}
	for _, a := range []*agent{east, twin, west} {
		for r := range a.host.store.Snapshot().Regions() {
			t.Errorf("%s knows %+v", a.region, r)
		}
	}
	// A token is for one thing, and a machine belongs to the region it was told.
	m := newAgent(t, pki.RoleClient)
	if err := m.open(func(c *security.Config) { c.Token, c.Region = east.token(pki.RoleClient), "west" }); err == nil ||
		!strings.Contains(err.Error(), `it is region "east", and this agent is configured for region "west"`) {
		t.Errorf("a machine of another region: %v", err)
	}
	s := newAgent(t, pki.RoleServer)
	if err := s.open(func(c *security.Config) { c.Token = east.token(pki.RoleRegion) }); err == nil || !strings.Contains(err.Error(), "the token is for a region") {
		t.Errorf("a machine with a region's token: %v", err)
	}
}
