package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/agent/access"
	"berth/api"
	"berth/server"
	"berth/state"
	"berth/structs"
)

// leads is an idle server whose state is what it is.
type leads struct{ *server.Server }

func (leads) IsLeader() bool { return true }

// lookedAt is an API with access control on, a token that may read jobs by a policy and by a role, and one that expires.
type lookedAt struct {
	*API
	index uint64
}

func newLookedAt(t *testing.T) *lookedAt {
	w := &lookedAt{API: idleAPI(t), index: 10}
	w.Access = access.NewState(true, time.Minute, leads{w.Server}, time.Now)
	w.write(func(t *state.WriteTxn) {
		t.PutNamespace(&structs.Namespace{Name: structs.DefaultNamespace})
		t.PutACLPolicy(&structs.ACLPolicy{Name: "dev", Rules: `namespace "default" { policy = "read" }`})
		t.PutACLPolicy(&structs.ACLPolicy{Name: "agents", Rules: `agent { policy = "read" }`})
		t.PutACLRole(&structs.ACLRole{ID: structs.ID{9}, Name: "devs", Policies: []*structs.ACLRolePolicy{{Name: "dev"}, {Name: "agents"}}})
		t.PutACLToken(&structs.ACLToken{AccessorID: structs.ID{1}, SecretID: structs.ID{1, 1}, Type: structs.TokenClient, Policies: []string{"dev", "agents"}})
		t.PutACLToken(&structs.ACLToken{AccessorID: structs.ID{2}, SecretID: structs.ID{1, 2}, Type: structs.TokenClient,
			Roles: []*structs.ACLTokenRole{{ID: structs.ID{9}}}, ExpirationTime: new(time.Now().Add(time.Hour))})
	})
	return w
}

func (w *lookedAt) write(f func(t *state.WriteTxn)) {
	w.index++
	t := w.Server.State().Begin(w.index)
	f(t)
	t.Commit()
}

// ask begins a request of a token.
func (w *lookedAt) ask(ctx context.Context, path string, token byte) (*httptest.ResponseRecorder, <-chan struct{}) {
	rec, done := httptest.NewRecorder(), make(chan struct{})
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Header.Set("X-Nomad-Token", structs.ID{1, token}.String())
	go func() {
		defer close(done)
		w.Handler().ServeHTTP(rec, r)
	}()
	return rec, done
}

// A read that waits, and a stream that says nothing, are refused within a second after their caller lost the right, whatever took it away. Those
// of others go on.
func TestWhoWaitsIsRefusedOnceItMayNotAnyMore(t *testing.T) {
	none := []*structs.ACLRolePolicy{}
	for name, c := range map[string]struct {
		token  byte
		change func(t *state.WriteTxn)
		after  time.Duration
		text   string
	}{
		"the token is revoked": {1, func(t *state.WriteTxn) { t.DeleteACLToken(structs.ID{1}) }, 0, "ACL token not found"},
		"the policy is changed": {1, func(t *state.WriteTxn) {
			t.PutACLPolicy(&structs.ACLPolicy{Name: "dev", Rules: `node { policy = "read" }`})
		}, 0, "Permission denied"},
		"the policy is gone": {1, func(t *state.WriteTxn) { t.DeleteACLPolicy("dev") }, 0, "Permission denied"},
		"the role says less": {2, func(t *state.WriteTxn) {
			t.PutACLRole(&structs.ACLRole{ID: structs.ID{9}, Name: "devs", Policies: none})
		}, 0, "Permission denied"},
		"the token has run out":   {2, func(*state.WriteTxn) {}, time.Hour, "ACL token expired"},
		"the state is an earlier": {2, func(t *state.WriteTxn) { t.DeleteACLRole(structs.ID{9}) }, 0, "Permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLookedAt(t)
			synctest.Test(t, func(t *testing.T) {
				if c.token == 2 { // its hour is that of the bubble
					w.write(func(txn *state.WriteTxn) {
						old := w.Server.State().Snapshot().ACLToken(structs.ID{2}).Copy()
						old.ExpirationTime = new(time.Now().Add(time.Hour))
						txn.PutACLToken(old)
					})
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				// Why waits that begin anew: none is longer than five minutes.
				if c.after > 0 {
					time.Sleep(c.after - time.Minute)
					c.after = time.Minute
				}
				waits, refused := w.ask(ctx, "/v1/jobs?index=1000&wait=5m", c.token)
				_, goesOn := w.ask(ctx, "/v1/jobs?index=1000&wait=5m", 3-c.token)
				synctest.Wait()
				time.Sleep(c.after)
				w.write(c.change)
				time.Sleep(time.Second)
				synctest.Wait()
				select {
				case <-refused:
				default:
					t.Fatal("it waits still, after a second")
				}
				if waits.Code != http.StatusForbidden || waits.Body.String() != c.text || c.text == "Permission denied" && waits.Header().Get(api.HeaderPermission) == "" {
					t.Errorf("answered %d %s, permission %q", waits.Code, waits.Body, waits.Header().Get(api.HeaderPermission))
				}
				shared := name == "the policy is changed" || name == "the policy is gone" // both tokens have it
				select {
				case <-goesOn:
					if !shared {
						t.Error("the read of another caller ended")
					}
				default:
					if shared {
						t.Error("a read by a role waits still")
					}
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// A stream that was not begun is refused, one that was ends; one whose caller takes nothing ends as well.
func TestAStreamEndsForWhoMayNotAnyMore(t *testing.T) {
	w := newLookedAt(t)
	begun, handler := make(chan struct{}), make(chan error, 1)
	w.stream("/v1/test/{kind}", streams{http.MethodGet: agentRead().stream(func(out http.ResponseWriter, r *request) (err error) {
		defer func() { handler <- err }()
		begun <- struct{}{}
		switch r.PathValue("kind") {
		case "silent":
			<-r.ctx().Done()
			return nil
		case "blocked": // until its caller takes what is written, or is cut off
			for {
				if _, err := out.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		case "upload":
			_, err := io.Copy(io.Discard, r.Body)
			return err
		}
		return errors.New("what else")
	})})
	web := httptest.NewServer(w.Handler())
	defer web.Close()
	allow := func(rules string) {
		w.write(func(t *state.WriteTxn) { t.PutACLPolicy(&structs.ACLPolicy{Name: "agents", Rules: rules}) })
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	for _, kind := range []string{"silent", "upload", "blocked"} {
		allow(`agent { policy = "read" }`)
		var up io.Reader
		if kind == "upload" { // its rest never comes
			body, in := io.Pipe()
			defer in.Close()
			up = body
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/v1/test/"+kind, up)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Nomad-Token", structs.ID{1, 1}.String())
		go func() {
			<-begun
			if kind != "blocked" { // that is begun by the answer
				allow(`node { policy = "read" }`)
			}
		}()
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(kind, err)
		}
		if kind == "blocked" {
			allow(`node { policy = "read" }`)
			if err := <-handler; err == nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d, %v", kind, resp.StatusCode, err)
			}
			resp.Body.Close()
			continue
		}
		if text, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusForbidden || err != nil || string(text) != "Permission denied" {
			t.Errorf("%s: %d %s %v", kind, resp.StatusCode, text, err)
		}
		resp.Body.Close()
		<-handler
	}
}

// The connection of a stream that ended is used for what its caller asks next, and that is answered: also when the stream had to be cut off before its
// answer was begun.
func TestAConnectionOutlivesItsStream(t *testing.T) {
	for kind, want := range map[string]string{"talks": "something", "slow": "Permission denied"} {
		t.Run(kind, func(t *testing.T) {
			w, begins := newLookedAt(t), make(chan struct{})
			w.stream("/v1/test/{kind}", streams{http.MethodGet: agentRead().stream(func(out http.ResponseWriter, r *request) error {
				close(begins)
				if kind == "talks" {
					if _, err := io.WriteString(out, "something"); err != nil {
						return err
					}
					out.(http.Flusher).Flush()
				}
				<-r.ctx().Done()
				for kind == "slow" && !out.(*begun).cut.Load() {
					<-time.After(time.Millisecond)
				}
				return nil
			})})
			web := httptest.NewServer(w.Handler())
			defer web.Close()
			ask := func(path string) (int, string, error) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("X-Nomad-Token", structs.ID{1, 1}.String())
				resp, err := web.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				return resp.StatusCode, string(text), err
			}
			go func() {
				<-begins
				w.write(func(t *state.WriteTxn) { t.DeleteACLPolicy("agents") })
			}()
			if _, text, err := ask("/v1/test/" + kind); err != nil || text != want {
				t.Errorf("%q, %v", text, err)
			}
			// The context of the connection must not have ended.
			if code, text, err := ask("/v1/jobs?index=1000&wait=1ms"); code != http.StatusOK || err != nil || strings.TrimSpace(text) != "[]" {
				t.Errorf("answered %d %q, %v", code, text, err)
			}
		})
	}
}
