package relay

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/state"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is agents that reach each other without a network.
type world struct {
	mu     sync.Mutex
	leader structs.ID
	agents map[string]*agent
	fail   map[string]error // of requests to a host, after it answered
}

type agent struct {
	w      *world
	id     structs.ID
	role   pki.Role
	store  *state.Store
	relay  *Relay
	asked  []string
	verify error
	fault  error
}

func (a *agent) ID() structs.ID { return a.id }
func (a *agent) IsLeader() bool {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	return a.w.leader == a.id
}
func (a *agent) Leader() (structs.ID, string, bool) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	return a.w.leader, "", !a.w.leader.IsZero()
}
func (a *agent) VerifyLeader() error { return a.verify }
func (a *agent) State() *state.Store { return a.store }
func (a *agent) Fault() error        { return a.fault }

func (a *agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	a.asked = append(a.asked, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, b))
	fmt.Fprintf(w, "%d", a.id[15])
}

// trip carries requests of one agent.
type trip struct{ from *agent }

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) {
	to := t.from.w.agents[r.URL.Host]
	if to == nil {
		return nil, &transport.UnsentError{Err: errors.New("connection refused")}
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if err := t.from.w.fail[r.URL.Host]; transport.Unsent(err) {
		delete(t.from.w.fail, r.URL.Host)
		return nil, err
	}
	w := httptest.NewRecorder()
	ctx := transport.WithPeer(r.Context(), transport.Peer{Identity: pki.Identity{ID: t.from.id, Role: t.from.role}})
	to.relay.ServeHTTP(w, r.WithContext(ctx))
	if err := t.from.w.fail[r.URL.Host]; err != nil {
		delete(t.from.w.fail, r.URL.Host)
		return nil, err
	}
	return w.Result(), nil
}

// newWorld has servers 1 to 3, of which 1 leads, and nodes without a server 8 and 9.
func newWorld() (*world, map[int]*agent) {
	w := &world{agents: map[string]*agent{}, fail: map[string]error{}, leader: structs.ID{15: 1}}
	out := map[int]*agent{}
	for _, n := range []int{1, 2, 3, 8, 9} {
		a := &agent{w: w, id: structs.ID{15: byte(n)}, role: pki.RoleServer, store: state.New()}
		cfg := Config{Local: a, Trip: trip{a}, Server: a, Logger: hclog.NewNullLogger(), ServerID: byName}
		if n > 3 {
			a.role, cfg.Server, cfg.Node = pki.RoleClient, nil, a.id
			cfg.Servers = func() []string { return []string{"gone:1", structs.ID{15: 2}.String()} }
		}
		a.relay = New(cfg)
		w.agents[a.id.String()] = a
		out[n] = a
	}
	return w, out
}

// byName knows server 3 as three and a server 4 that is gone.
func byName(name string) (structs.ID, bool) {
	n, known := map[string]byte{"three": 3, "four": 4}[name]
	return structs.ID{15: n}, known
}

func TestAnAgentThatIsNamedAndCannotAnswer(t *testing.T) {
	w, agents := newWorld()
	for _, c := range []struct {
		path, want string
		code       int
	}{
		{"/v1/agent/host?server_id=nobody", "no server", 404},
		{"/v1/agent/host?server_id=four", "cannot be reached", 503},
		{"/v1/metrics?node_id=" + structs.ID{15: 7}.String(), "cannot be reached", 503},
		{"/v1/metrics?node_id=" + structs.ID{15: 9}.String() + "&server_id=three", "not both", 400},
	} {
		if code, got := get(agents[2], c.path); code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s", c.path, code, got)
		}
	}
	w.leader = structs.ID{}
	if code, got := get(agents[2], "/v1/metrics?server_id=leader"); code != 503 || got != "No cluster leader" {
		t.Errorf("without a leader: %d %s", code, got)
	}
}

func get(a *agent, path string) (int, string) { return request(a, http.MethodGet, path, "") }

func request(a *agent, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	a.relay.Public().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestRequestsGoWhereTheyAreAnswered(t *testing.T) {
	_, agents := newWorld()
	alloc := structs.ID{0: 7}
	for _, n := range []int{1, 2, 3} {
		txn := agents[n].store.Begin(5)
		j := &structs.Job{ID: "web", Namespace: "default"}
		txn.PutJobVersion(j)
		txn.PutJob(j)
		txn.PutAlloc(&structs.Allocation{ID: alloc, Namespace: "default", JobID: "web", NodeID: structs.ID{15: 9}})
		txn.Commit()
	}
	for _, c := range []struct {
		from int
		path string
		want string
	}{
		{1, "/v1/jobs", "1"},
		{2, "/v1/jobs", "1"},
		{3, "/v1/job/web", "1"},
		{3, "/v1/jobs?stale", "3"},
		{3, "/v1/jobs?stale=false", "1"},
		{2, "/v1/status/leader", "2"},
		{2, "/v1/event/stream?topic=Job", "2"},
		{9, "/v1/event/stream?topic=Job", "2"},
		{2, "/v1/agent/self", "2"},
		{2, "/v1/metrics", "2"},
		{2, "/v1/metrics?server_id=leader", "1"},
		{2, "/v1/agent/monitor?server_id=three", "3"},
		{3, "/v1/agent/pprof/heap?server_id=three", "3"},
		{9, "/v1/agent/host?server_id=leader", "1"},
		{9, "/v1/agent/self?server_id=three", "3"},
		{9, "/v1/agent/monitor?node_id=" + structs.ID{15: 8}.String(), "8"},
		{1, "/v1/agent/pprof/goroutine?node_id=" + structs.ID{15: 9}.String(), "9"},
		{9, "/v1/metrics?node_id=" + structs.ID{15: 9}.String(), "9"},
		{2, "/v1/agent/members?server_id=three", "2"},
		{2, "/ui/", "2"},
		{9, "/v1/jobs", "1"},
		{9, "/v1/jobs?stale", "2"},
		{9, "/v1/status/leader", "2"},
		{9, "/v1/agent/self", "9"},
		{9, "/v1/agent/members", "2"},
		{9, "/v1/client/fs/logs/" + alloc.String(), "9"},
		{1, "/v1/client/fs/logs/" + alloc.String(), "9"},
		{3, "/v1/client/allocation/" + alloc.String() + "/stats", "9"},
		{3, "/v1/client/stats?node_id=" + structs.ID{15: 8}.String(), "8"},
		{8, "/v1/client/stats?node_id=" + structs.ID{15: 9}.String(), "9"},
		{8, "/v1/client/stats", "8"},
		{3, "/v1/client/stats", "3"},
	} {
		if code, got := get(agents[c.from], c.path); code != 200 || got != c.want {
			t.Errorf("%s asked at %d: answered by %q (%d), want %s", c.path, c.from, got, code, c.want)
		}
	}
}

func TestAChangeArrivesOnceAndWhole(t *testing.T) {
	_, agents := newWorld()
	if code, _ := request(agents[2], http.MethodPut, "/v1/jobs", "the job"); code != 200 {
		t.Fatal(code)
	}
	if got := fmt.Sprint(agents[1].asked); got != "[PUT /v1/jobs the job]" {
		t.Error(got)
	}
}

func TestARequestWaitsForALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, agents := newWorld()
		w.leader = structs.ID{}
		go func() {
			<-time.After(900 * time.Millisecond)
			w.mu.Lock()
			w.leader = structs.ID{15: 3}
			w.mu.Unlock()
		}()
		began := time.Now()
		if code, got := request(agents[2], http.MethodPut, "/v1/jobs", "x"); code != 200 || got != "3" {
			t.Errorf("%d %s", code, got)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("after %v", took)
		}
		w.leader = structs.ID{}
		began = time.Now()
		r := httptest.NewRecorder()
		agents[2].relay.Public().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/v1/jobs", nil))
		if r.Code != 503 || r.Header().Get("Retry-After") == "" || r.Body.String() != "No cluster leader" {
			t.Errorf("%d %v %s", r.Code, r.Header(), r.Body)
		}
		if took := time.Since(began); took != hold {
			t.Errorf("after %v, want %v", took, hold)
		}
	})
}

func TestAServerThatBecomesTheLeaderAnswersWhatItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, agents := newWorld()
		w.leader = structs.ID{}
		go func() {
			<-time.After(time.Second)
			w.mu.Lock()
			w.leader = structs.ID{15: 2}
			w.mu.Unlock()
		}()
		if code, got := request(agents[2], http.MethodPut, "/v1/jobs", "x"); code != 200 || got != "2" {
			t.Errorf("%d %s", code, got)
		}
	})
}

func TestWhatMayHaveBeenDoneIsNotDoneAgain(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		err    error
		code   int
		times  int
		text   string
	}{
		"a change, lost on the way back":  {http.MethodPut, errors.New("reset"), 503, 1, "whether the change took is not known"},
		"a change of which nothing left":  {http.MethodPut, &transport.UnsentError{Err: errors.New("x")}, 200, 1, "1"},
		"a question, lost on the way":     {http.MethodGet, errors.New("reset"), 200, 2, "1"},
		"a removal, lost on the way back": {http.MethodDelete, errors.New("reset"), 503, 1, "whether the change took is not known"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, agents := newWorld()
			w.fail[w.leader.String()] = c.err
			code, text := request(agents[2], c.method, "/v1/jobs", "body")
			if code != c.code || !strings.Contains(text, c.text) || len(agents[1].asked) != c.times {
				t.Errorf("%s: %d %q, asked %v", name, code, text, agents[1].asked)
			}
			for _, x := range agents[1].asked {
				if !strings.HasSuffix(x, "body") {
					t.Errorf("%s: arrived without its body: %q", name, x)
				}
			}
		})
	}
}

// A server that was taken for the leader and is not says so, and nothing loops.
func TestAMistakenLeaderRefuses(t *testing.T) {
	w, agents := newWorld()
	other := &world{agents: w.agents, fail: map[string]error{}, leader: structs.ID{15: 3}}
	agents[1].w = other // 1 takes 3 for the leader, 2 takes 1
	agents[3].w = other
	for _, hops := range []string{"1", "2", "7"} {
		r := httptest.NewRequest(http.MethodPut, "/v1/jobs", strings.NewReader("x"))
		r.Header.Set(headerHops, hops)
		r = r.WithContext(transport.WithPeer(r.Context(), transport.Peer{Identity: pki.Identity{Role: pki.RoleServer}}))
		rec := httptest.NewRecorder()
		agents[1].relay.ServeHTTP(rec, r)
		if rec.Code != 503 || rec.Header().Get(headerNotLeader) == "" || len(agents[3].asked) != 0 {
			t.Errorf("%s hops: %d, %v", hops, rec.Code, agents[3].asked)
		}
	}
	// What a caller from outside says about hops does not count.
	r := httptest.NewRequest(http.MethodPut, "/v1/jobs", strings.NewReader("x"))
	r.Header.Set(headerHops, "7")
	rec := httptest.NewRecorder()
	agents[1].relay.Public().ServeHTTP(rec, r)
	if rec.Code != 200 || rec.Body.String() != "3" {
		t.Errorf("from outside: %d %s", rec.Code, rec.Body)
	}
}

// A server that cannot lead says why at once; one that follows another's lead does not mind.
func TestAFaultIsToldInsteadOfAWait(t *testing.T) {
	w, agents := newWorld()
	agents[2].fault = structs.NewError(structs.KindUnavailable, "the disk is full")
	if code, text := request(agents[2], http.MethodPut, "/v1/jobs", "x"); code != 200 || text != "1" {
		t.Errorf("while another leads: %d %s", code, text)
	}
	w.leader = structs.ID{}
	if code, text := request(agents[2], http.MethodPut, "/v1/jobs", "x"); code != 503 || text != "the disk is full" {
		t.Errorf("without a leader: %d %s", code, text)
	}
}

func TestAConsistentReadAsksWhetherItStillLeads(t *testing.T) {
	_, agents := newWorld()
	if code, _ := get(agents[2], "/v1/jobs?consistent"); code != 200 {
		t.Error(code)
	}
	agents[1].verify = structs.NewError(structs.KindNoLeader, "this server is not the leader")
	if code, _ := get(agents[2], "/v1/jobs"); code != 200 {
		t.Error(code)
	}
	if code, _ := get(agents[1], "/v1/jobs?consistent"); code != 503 {
		t.Error(code)
	}
}

func TestAnAgentThatReachesNoServerSaysSo(t *testing.T) {
	w, agents := newWorld()
	for _, n := range []int{1, 2, 3} {
		delete(w.agents, agents[n].id.String())
	}
	if code, text := get(agents[9], "/v1/jobs"); code != 503 || text != "no server answers this agent" {
		t.Errorf("%d %s", code, text)
	}
	if code, text := get(agents[1], "/v1/client/stats?node_id="+structs.ID{15: 99}.String()); code != 503 || !strings.Contains(text, "cannot be reached") {
		t.Errorf("%d %s", code, text)
	}
}

// regions are three agents of regions of their own, which reach each other's servers by name.
func regions() map[string]*agent {
	w := &world{agents: map[string]*agent{}, fail: map[string]error{}}
	out := map[string]*agent{}
	for i, name := range []string{"east", "west", "north"} {
		a := &agent{w: &world{agents: w.agents, fail: w.fail, leader: structs.ID{15: byte(i + 1)}}, id: structs.ID{15: byte(i + 1)}, role: pki.RoleServer, store: state.New()}
		a.relay = New(Config{Local: a, Trip: trip{a}, Server: a, Region: name, Logger: hclog.NewNullLogger(), RegionServers: func(region string) []string {
			if region == "gone" {
				return []string{"gone:1"}
			}
			if to := out[region]; to != nil {
				return []string{"gone:1", to.id.String()}
			}
			return nil
		}})
		w.agents[transport.InRegion(a.id.String(), name)] = a
		w.agents[a.id.String()] = a
		out[name] = a
	}
	node := &agent{w: out["east"].w, id: structs.ID{15: 9}, role: pki.RoleClient, store: state.New()}
	node.relay = New(Config{Local: node, Trip: trip{node}, Servers: func() []string { return []string{out["east"].id.String()} }, Region: "east", Node: node.id, Logger: hclog.NewNullLogger()})
	out["node"] = node
	return out
}

func TestRequestsGoToTheRegionTheyName(t *testing.T) {
	r := regions()
	for _, c := range []struct {
		from, method, path, body string
		code                     int
		want                     string
	}{
		{"east", "GET", "/v1/jobs?region=west", "", 200, "2"},
		{"east", "GET", "/v1/jobs?region=east", "", 200, "1"},
		{"east", "GET", "/v1/jobs", "", 200, "1"},
		{"node", "GET", "/v1/jobs?region=north", "", 200, "3"},
		{"node", "PUT", "/v1/jobs?region=west", "text", 200, "2"},
		{"east", "GET", "/v1/client/allocation/x/stats?region=west", "", 200, "2"},
		{"east", "GET", "/v1/agent/self?region=west", "", 200, "1"},
		{"east", "GET", "/v1/regions?region=west", "", 200, "1"},
		{"east", "GET", "/v1/jobs?region=south", "", 500, "No path to region"},
		{"east", "GET", "/v1/jobs?region=gone", "", 500, "No path to region: no server of region gone answers"},
		{"node", "GET", "/v1/jobs?region=south", "", 500, "No path to region"},
	} {
		if code, got := request(r[c.from], c.method, c.path, c.body); code != c.code || strings.TrimSpace(got) != c.want {
			t.Errorf("%s %s at %s: %d %q, want %d %q", c.method, c.path, c.from, code, got, c.code, c.want)
		}
	}
	for from, want := range map[string]uint64{"east": 5, "node": 0, "west": 0} { // what a node is asked goes by its servers
		if got := r[from].relay.Abroad(); got != want {
			t.Errorf("%s sent %d requests to other regions, want %d", from, got, want)
		}
	}
	if got := r["west"].asked[1]; got != "PUT /v1/jobs text" {
		t.Errorf("west was asked %q", got)
	}
}

// A request that another region sent here goes no further, whatever it names; a caller's own word about it does not count.
func TestNoRequestGoesRoundTheRegions(t *testing.T) {
	r := regions()
	w := httptest.NewRecorder()
	req := httptest.NewRequest("GET", "/v1/jobs?region=north", nil)
	req.Header.Set(headerFrom, "west")
	r["east"].relay.ServeHTTP(w, req)
	if w.Code != 500 || !strings.HasPrefix(w.Body.String(), noPath) || len(r["north"].asked) != 0 {
		t.Errorf("%d %s; north was asked %v", w.Code, w.Body, r["north"].asked)
	}
	w, req = httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/jobs?region=north", nil)
	req.Header.Set(headerFrom, "west")
	r["east"].relay.Public().ServeHTTP(w, req)
	if w.Code != 200 || w.Body.String() != "3" {
		t.Errorf("a caller's header: %d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	Alone("global", r["east"], nil).ServeHTTP(w, httptest.NewRequest("GET", "/v1/jobs?region=west", nil))
	if w.Code != 500 || !strings.HasPrefix(w.Body.String(), noPath) {
		t.Errorf("an agent that knows no other region: %d %s", w.Code, w.Body)
	}
}

// A change that may have been made in another region is not made again.
func TestAChangeLostInAnotherRegionIsNotRepeated(t *testing.T) {
	r := regions()
	east := r["east"]
	east.w.fail[transport.InRegion(r["west"].id.String(), "west")] = errors.New("cut")
	code, text := request(east, "PUT", "/v1/jobs?region=west", "x")
	if code != 503 || !strings.Contains(text, "whether the change took is not known") || len(r["west"].asked) != 1 {
		t.Errorf("%d %s; west was asked %v", code, text, r["west"].asked)
	}
}
