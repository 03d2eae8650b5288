package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/api"
	"berth/internal/transport"
	"berth/state"
	"berth/structs"
)

// followed are regions of which east decides for the others.
func followed() map[string]*agent {
	r := regions()
	for _, a := range r {
		if a.relay.cfg.Server != nil {
			a.relay.cfg.Authority = "east"
		}
	}
	return r
}

func TestWhatAllShareIsChangedWhereItIsDecided(t *testing.T) {
	own, global, unknown := structs.ID{0: 1}, structs.ID{0: 2}, structs.ID{0: 3}
	put := func(store *state.Store) {
		txn := store.Begin(5)
		txn.PutACLToken(&structs.ACLToken{AccessorID: own, SecretID: structs.ID{1: 1}})
		txn.PutACLToken(&structs.ACLToken{AccessorID: global, SecretID: structs.ID{1: 2}, Global: true})
		txn.Commit()
	}
	long := `{"Name":"` + strings.Repeat("x", maxKept) + `","Global":true}`
	for _, c := range []struct{ method, path, body, at string }{
		{"PUT", "/v1/acl/policy/dev", "{}", "east"}, {"POST", "/v1/acl/policy/dev", "{}", "east"}, {"DELETE", "/v1/acl/policy/dev", "", "east"},
		{"PUT", "/v1/acl/role", "{}", "east"}, {"PUT", "/v1/acl/role/" + own.String(), "{}", "east"}, {"DELETE", "/v1/acl/role/" + own.String(), "", "east"},
		{"PUT", "/v1/acl/bootstrap", "", "east"}, {"POST", "/v1/acl/bootstrap", "{}", "east"},
		{"PUT", "/v1/namespace", "{}", "east"}, {"PUT", "/v1/namespace/apps", "{}", "east"}, {"DELETE", "/v1/namespace/apps", "", "east"},
		{"PUT", "/v1/node/pools", "{}", "east"}, {"PUT", "/v1/node/pool/gpu", "{}", "east"}, {"DELETE", "/v1/node/pool/gpu", "", "east"},
		{"PUT", "/v1/acl/token", `{"Global":true}`, "east"}, {"PUT", "/v1/acl/token", `{"gLOBAL":true}`, "east"},
		{"PUT", "/v1/acl/token", `{"Global":false}`, "west"}, {"PUT", "/v1/acl/token", `{"Name":"x"}`, "west"}, {"PUT", "/v1/acl/token", `{`, "west"},
		{"PUT", "/v1/acl/token", "", "west"}, {"PUT", "/v1/acl/token", long, "west"},
		{"PUT", "/v1/acl/token/" + own.String(), "{}", "west"}, {"DELETE", "/v1/acl/token/" + own.String(), "", "west"},
		{"PUT", "/v1/acl/token/" + global.String(), "{}", "east"}, {"DELETE", "/v1/acl/token/" + global.String(), "", "east"},
		{"DELETE", "/v1/acl/token/" + unknown.String(), "", "east"},
		{"PUT", "/v1/acl/token/onetime", "", "west"}, {"PUT", "/v1/acl/token/onetime/exchange", "{}", "west"}, {"PUT", "/v1/acl/token/self", "", "west"},
		{"GET", "/v1/acl/policy/dev", "", "west"}, {"GET", "/v1/acl/tokens", "", "west"}, {"GET", "/v1/acl/token/" + global.String(), "", "west"},
		{"GET", "/v1/namespaces", "", "west"}, {"GET", "/v1/node/pool/gpu", "", "west"}, {"PUT", "/v1/jobs", "{}", "west"}, {"PUT", "/v1/node/x/drain", "{}", "west"},
		{"PUT", "/v1/acl/policy/dev?region=west", "{}", "east"}, {"PUT", "/v1/acl/token?region=west", `{"Global":true}`, "east"},
	} {
		for _, at := range []string{"west", "node of west"} {
			r := followed()
			put(r["west"].store)
			node := &agent{w: r["west"].w, id: structs.ID{15: 8}, store: state.New()}
			node.relay = New(Config{Local: node, Trip: trip{node}, Servers: func() []string { return []string{r["west"].id.String()} }, Region: "west", Node: node.id, Logger: hclog.NewNullLogger()})
			r["node of west"] = node
			rec := httptest.NewRecorder()
			r[at].relay.Public().ServeHTTP(rec, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
			code, text := rec.Code, rec.Body.String()
			if want := fmt.Sprint(r[c.at].id[15]); code != 200 || text != want {
				t.Errorf("%s %s %.20s at %s: %d %s, want that of %s", c.method, c.path, c.body, at, code, text, c.at)
				continue
			}
			if told := rec.Header().Get(api.HeaderRegion); (told == "east") != (c.at == "east") {
				t.Errorf("%s %s %.20s at %s: said to be answered by %q", c.method, c.path, c.body, at, told)
			}
			path, _, _ := strings.Cut(c.path, "?")
			if got := r[c.at].asked; len(got) != 1 || got[0] != fmt.Sprintf("%s %s %s", c.method, path, c.body) {
				t.Errorf("%s %s: %s was asked %.100q", c.method, c.path, c.at, got)
			}
		}
	}
	// The one that decides, and one that follows nobody, do it themselves.
	for _, r := range []map[string]*agent{followed(), regions()} {
		for _, path := range []string{"/v1/acl/policy/dev", "/v1/acl/token", "/v1/namespace"} {
			if code, text := request(r["east"], "PUT", path, `{"Global":true}`); code != 200 || text != "1" {
				t.Errorf("%s: %d %s", path, code, text)
			}
		}
	}
}

// Two regions that take each other for the one that decides send a change round once, and say why it is not made; and one that cannot be reached is told
// from one that refuses.
func TestNobodyDecides(t *testing.T) {
	r := followed()
	r["east"].relay.cfg.Authority = "west"
	for path, body := range map[string]string{"/v1/acl/policy/dev": "{}", "/v1/acl/token": `{"Global":true}`, "/v1/acl/policy/dev?region=west": "{}"} {
		code, text := request(r["west"], "PUT", path, body)
		if code != 400 || !strings.Contains(text, "region east does not decide over this, region west does") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	r = followed()
	r["west"].relay.cfg.Authority = "south"
	if code, text := request(r["west"], "DELETE", "/v1/acl/policy/dev", ""); code != 500 || !strings.HasPrefix(text, noPath+": policies, roles") || !strings.Contains(text, "region south") {
		t.Errorf("%d %s", code, text)
	}
	r["west"].relay.cfg.Authority = "gone"
	if code, text := request(r["west"], "DELETE", "/v1/acl/policy/dev", ""); code != 500 || !strings.HasPrefix(text, noPath) {
		t.Errorf("%d %s", code, text)
	}
	for name, a := range r {
		if len(a.asked) > 0 {
			t.Errorf("%s was asked %v", name, a.asked)
		}
	}
}

func TestASourceIsAsked(t *testing.T) {
	var seen *http.Request
	answers := map[string]func() (*http.Response, error){}
	reply := func(code int, body string) func() (*http.Response, error) {
		return func() (*http.Response, error) {
			w := httptest.NewRecorder()
			w.Header().Set("X-Nomad-Index", "7")
			w.WriteHeader(code)
			_, _ = w.WriteString(body)
			return w.Result(), nil
		}
	}
	s := &Source{Own: "west", Region: "east", Token: "secret", Servers: func(string) []string { return []string{"one", "two"} },
		Trip: tripFunc(func(r *http.Request) (*http.Response, error) {
			seen = r
			return answers[r.URL.Host]()
		})}
	one, two := transport.InRegion("one", "east"), transport.InRegion("two", "east")
	for _, c := range []struct {
		name     string
		one, two func() (*http.Response, error)
		kind     structs.ErrorKind
		body     string
	}{
		{"it answers", reply(200, "yes"), nil, 0, "yes"},
		{"one has no leader", reply(503, "No cluster leader"), reply(200, "two"), 0, "two"},
		{"two had it last", nil, reply(200, "again"), 0, "again"},
		{"too long", nil, reply(200, strings.Repeat("x", 101)), structs.KindInvalid, "more than 100 bytes"},
		{"refused", nil, reply(403, "ACL token not found"), structs.KindUnauthorised, "ACL token not found"},
		{"not there", nil, reply(404, ""), structs.KindNotFound, ""},
		{"without access control", nil, reply(400, "ACL support disabled"), structs.KindInvalid, "it answers 400: ACL support disabled"},
		{"busy", reply(429, "later"), reply(429, "later"), structs.KindUnavailable, "it answers 429: later"},
		{"a long refusal", nil, reply(400, strings.Repeat("é", 5000)), structs.KindInvalid, "it answers 400: é"},
		{"broken", reply(500, "x"), reply(500, "a\nb"), structs.KindUnavailable, "no server of it answers"},
	} {
		none := func() (*http.Response, error) { t.Errorf("%s: another was asked", c.name); return reply(500, "")() }
		answers[one], answers[two] = none, none
		if c.one != nil {
			answers[one] = c.one
		}
		if c.two != nil {
			answers[two] = c.two
		}
		body, index, err := s.Do(t.Context(), "GET", "/v1/acl/tokens?global=true", 100)
		if c.kind == 0 {
			if err != nil || string(body) != c.body || index != 7 {
				t.Errorf("%s: %q %d %v", c.name, body, index, err)
			}
		} else if structs.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.body) || len(err.Error()) > 300 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if h := seen.Header; h.Get(headerFrom) != "west" || h.Get("X-Nomad-Token") != "secret" || seen.URL.RawQuery != "global=true" {
		t.Errorf("%v %s", h, seen.URL)
	}
	s.Servers = func(string) []string { return nil }
	if _, _, err := s.Do(t.Context(), "GET", "/", 100); structs.KindOf(err) != structs.KindUnavailable {
		t.Error(err)
	}
}

// A server that takes a question and never answers is not asked first for ever: the next time another is.
func TestASourceWhoseServerHangs(t *testing.T) {
	for _, end := range []struct {
		name string
		ctx  func() (context.Context, context.CancelFunc)
		next string // who is asked first then
	}{
		{"time is over", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Minute)
		}, "two one three"},
		{"nobody wants to know", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, "one two three"},
	} {
		t.Run(end.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				hangs, away := transport.InRegion("one", "east"), true
				s := &Source{Own: "west", Region: "east", Servers: func(string) []string { return []string{"one", "two", "three"} },
					Trip: tripFunc(func(r *http.Request) (*http.Response, error) {
						if away && r.URL.Host == hangs {
							<-r.Context().Done()
							return nil, r.Context().Err()
						}
						for _, n := range []string{"one", "two", "three"} {
							if r.URL.Host == transport.InRegion(n, "east") {
								asked = append(asked, n)
							}
						}
						return nil, errors.New("connection refused")
					})}
				ctx, cancel := end.ctx()
				defer cancel()
				if _, _, err := s.Do(ctx, "GET", "/", 100); structs.KindOf(err) != structs.KindUnavailable || len(asked) > 0 {
					t.Errorf("%v, and %v were asked", err, asked)
				}
				away = false
				_, _, _ = s.Do(context.Background(), "GET", "/", 100)
				if got := strings.Join(asked, " "); got != end.next {
					t.Errorf("asked %s, want %s", got, end.next)
				}
			})
		})
	}
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
