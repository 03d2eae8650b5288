package network

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPortBookRefusesWhatCannotStandSideBySide(t *testing.T) {
	held := Port{Label: "held", Host: 80}
	heldOne := Port{Label: "held", HostIP: "10.0.0.1", Host: 80, Protocols: []string{"tcp"}}
	cases := map[string]struct {
		held, asked Port
		free        bool
	}{
		"same port":                            {held, Port{Label: "x", Host: 80}, false},
		"other port":                           {held, Port{Label: "x", Host: 81}, true},
		"every address against one":            {heldOne, Port{Label: "x", Host: 80, Protocols: []string{"tcp"}}, false},
		"one address against every":            {held, Port{Label: "x", HostIP: "10.0.0.2", Host: 80}, false},
		"two addresses":                        {heldOne, Port{Label: "x", HostIP: "10.0.0.2", Host: 80, Protocols: []string{"tcp"}}, true},
		"same address":                         {heldOne, Port{Label: "x", HostIP: "10.0.0.1", Host: 80, Protocols: []string{"tcp"}}, false},
		"other protocol":                       {heldOne, Port{Label: "x", Host: 80, Protocols: []string{"udp"}}, true},
		"mapped IPv6 form of the same address": {heldOne, Port{Label: "x", HostIP: "::ffff:10.0.0.1", Host: 80}, false},
	}
	for name, c := range cases {
		b := newPortBook()
		if err := b.reserve("a", []Port{c.held}); err != nil {
			t.Fatal(err)
		}
		err := b.reserve("b", []Port{c.asked})
		if (err == nil) != c.free {
			t.Errorf("%s: error = %v, want free = %v", name, err, c.free)
		}
		if err != nil && !strings.Contains(err.Error(), `allocation a (port "held")`) {
			t.Errorf("%s: error %q does not name the holder", name, err)
		}
	}
}

// TestPortBookKeepsItsLaws drives the book beside the plain list of who asked for what.
func TestPortBookKeepsItsLaws(t *testing.T) {
	genPort := rapid.Custom(func(t *rapid.T) Port {
		return Port{
			Label:     "p",
			HostIP:    rapid.SampledFrom([]string{"", "0.0.0.0", "10.0.0.1", "10.0.0.2"}).Draw(t, "ip"),
			Host:      rapid.IntRange(1, 4).Draw(t, "host"),
			To:        rapid.IntRange(0, 2).Draw(t, "to"),
			Protocols: rapid.SampledFrom([][]string{nil, {"tcp"}, {"udp"}}).Draw(t, "protocols"),
		}
	})
	genID := rapid.SampledFrom([]string{"a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		b := newPortBook()
		model := map[string][]Port{}
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				id, ports := genID.Draw(t, "id"), rapid.SliceOfN(genPort, 0, 3).Draw(t, "ports")
				fits := true
				for i, p := range ports {
					for _, q := range ports[:i] {
						fits = fits && !clash(p, q, true)
					}
					for other, theirs := range model {
						for _, q := range theirs {
							fits = fits && (other == id || !clash(p, q, false))
						}
					}
				}
				err := b.reserve(id, ports)
				if (err == nil) != fits {
					t.Fatalf("reserve(%s, %v) = %v, want fits = %v beside %v", id, ports, err, fits, model)
				}
				if fits {
					model[id] = ports
				}
			},
			"release": func(t *rapid.T) {
				id := genID.Draw(t, "id")
				b.release(id)
				delete(model, id)
			},
			"": func(t *rapid.T) {
				fresh := newPortBook()
				for id, ports := range model {
					if err := fresh.reserve(id, ports); err != nil {
						t.Fatal(err)
					}
				}
				if !reflect.DeepEqual(fresh.claims, b.claims) {
					t.Fatalf("claims = %v, want %v", b.claims, fresh.claims)
				}
			},
		})
	})
}

// clash is the rule in its plainest form. Within one allocation the same port may be named twice for the same target, and
// one address may be treated apart from the others.
func clash(p, q Port, same bool) bool {
	shared := slices.ContainsFunc(p.protocols(), func(proto string) bool { return slices.Contains(q.protocols(), proto) })
	if p.Host != q.Host || !shared {
		return false
	}
	pa, _ := p.hostAddr()
	qa, _ := q.hostAddr()
	if same {
		return pa == qa && p.inside() != q.inside()
	}
	return pa == qa || !pa.IsValid() || !qa.IsValid()
}
