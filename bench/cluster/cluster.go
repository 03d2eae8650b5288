package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"berth/bench"
	"berth/e2e/harness"
)

// Config says how long to measure.
type Config struct {
	Binary string
	Kills  int           // leaders killed
	Stops  int           // leaders stopped
	Load   time.Duration // of each kind of request
	Tell   func(what string)
}

// Times of the measurement of a gap.
const (
	window = 3 * time.Second // from the signal on
	giveUp = 30 * time.Second
)

// callers are how many ask at once.
const callers = 64

type cluster struct {
	Config
	lan    *harness.LAN
	agents []*harness.Agent
	client []*http.Client // by machine
	fleets []*fleet
	open   []*caller
}

// Failover measures how long a cluster takes no writes when its leader dies or is stopped.
func Failover(ctx context.Context, c Config) ([]bench.Figure, error) {
	return c.measure(ctx, (*cluster).killed, (*cluster).stopped)
}

// Requests measures what a cluster answers.
func Requests(ctx context.Context, c Config) ([]bench.Figure, error) {
	return c.measure(ctx, (*cluster).registrations, (*cluster).followed, (*cluster).reads, (*cluster).watched)
}

// measure forms a cluster and takes its figures.
func (c Config) measure(ctx context.Context, what ...func(*cluster, context.Context) ([]bench.Figure, error)) (figures []bench.Figure, err error) {
	dir, err := os.MkdirTemp("/tmp", "berthbench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	k := &cluster{Config: c}
	defer func() { err = errors.Join(err, k.close()) }()
	c.Tell("forming a cluster of three servers")
	if err := k.form(ctx, dir); err != nil {
		return nil, err
	}
	for _, f := range what {
		more, err := f(k, ctx)
		figures = append(figures, more...)
		if err != nil {
			return figures, err
		}
	}
	return figures, nil
}

func (k *cluster) close() error {
	var errs []error
	for _, c := range k.open {
		c.close()
	}
	for _, f := range k.fleets {
		errs = append(errs, f.close())
	}
	for i, a := range k.agents {
		k.client[i].CloseIdleConnections()
		errs = append(errs, a.Close())
	}
	if k.lan != nil {
		errs = append(errs, k.lan.Close())
	}
	return errors.Join(errs...)
}

func (k *cluster) form(ctx context.Context, dir string) (err error) {
	const machines = 3
	if k.lan, err = harness.NewLAN(dir, machines); err != nil {
		return err
	}
	var fleet harness.Fleet
	// Simulated nodes are silent, and not missed.
	server := "server {\n  enabled = true\n  min_heartbeat_ttl = \"24h\"\n  heartbeat_grace = \"24h\"\n  failover_heartbeat_ttl = \"24h\"\n"
	role := server + "  bootstrap_expect = 1\n}\n"
	for i, h := range k.lan.Hosts {
		text := fmt.Sprintf("name = \"m%d\"\n%sautopilot {\n  server_stabilization_time = \"1s\"\n}\n", i+1, role)
		a := fleet.New(harness.Options{Binary: k.Binary, Dir: filepath.Dir(h.Path()), Host: h, Config: text})
		k.agents = append(k.agents, a)
		k.client = append(k.client, &http.Client{Transport: &http.Transport{DialContext: h.Dial, MaxIdleConnsPerHost: callers, DisableCompression: true}})
		if err := a.Launch(); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		err := k.until(ctx, "the line to join", func() bool {
			m := tokenLine.FindStringSubmatch(a.Log())
			if m != nil {
				role = server + fmt.Sprintf("}\njoin_token = %q\n", m[1])
			}
			return m != nil
		})
		if err != nil {
			return err
		}
	}
	_, err = k.leader(ctx)
	return err
}

// until looks until it is so.
func (k *cluster) until(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// leader waits until all servers vote and are well, and gives the index of the one that leads.
func (k *cluster) leader(ctx context.Context) (int, error) {
	lead := -1
	return lead, k.until(ctx, "three healthy voters", func() bool {
		for _, a := range k.agents {
			var h struct {
				Healthy bool
				Voters  []string
				Servers []struct {
					Name   string
					Leader bool
				}
			}
			if a.API.Get(ctx, "/v1/operator/autopilot/health", &h) != nil || !h.Healthy || len(h.Voters) != len(k.agents) {
				return false
			}
			for _, s := range h.Servers {
				if s.Leader {
					_, _ = fmt.Sscanf(s.Name, "m%d.", &lead)
					lead--
				}
			}
		}
		return lead >= 0
	})
}

// put makes a namespace.
func (k *cluster) put(ctx context.Context, at int, name string) error {
	return k.do(ctx, at, http.MethodPut, "/v1/namespace", `{"Name":"`+name+`"}`)
}

func (k *cluster) do(ctx context.Context, at int, method, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+apiAddr+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := k.client[at].Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return err
}

// gap is how long no write was acknowledged after a leader got a signal; writers ask the two others all the while.
func (k *cluster) gap(ctx context.Context, round string, sig syscall.Signal) (time.Duration, error) {
	lead, err := k.leader(ctx)
	if err != nil {
		return 0, err
	}
	var stop atomic.Bool
	var acked atomic.Int64 // begin of the newest acknowledged write's answer
	var writers sync.WaitGroup
	for i := range k.agents {
		if i == lead {
			continue
		}
		writers.Go(func() {
			for n := 0; !stop.Load() && ctx.Err() == nil; n++ {
				if k.put(ctx, i, fmt.Sprintf("%s-%d-%d", round, i, n%50)) == nil {
					acked.Store(time.Now().UnixNano())
				}
			}
		})
	}
	err = k.until(ctx, "a write", func() bool { return acked.Load() > 0 })
	var took time.Duration
	if err == nil {
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- k.agents[lead].Signal(ctx, sig) }()
		if sig == syscall.SIGKILL {
			err = <-done
			began = time.Now()
		}
		// The longest pause between acknowledgements from the signal on.
		last, worst := began.UnixNano(), int64(0)
		for err == nil && (time.Since(began) < window || last == began.UnixNano()) {
			if now := acked.Load(); now > last {
				worst = max(worst, now-last)
				last = now
			}
			if time.Since(began) > giveUp {
				err = fmt.Errorf("no write was acknowledged for %v", giveUp)
			}
			<-time.After(time.Millisecond)
		}
		took = time.Duration(max(worst, time.Now().UnixNano()-last))
		if sig != syscall.SIGKILL {
			err = errors.Join(err, <-done)
		}
	}
	stop.Store(true)
	writers.Wait()
	return took, errors.Join(err, k.agents[lead].Launch())
}

func (k *cluster) gaps(ctx context.Context, what string, n int, sig syscall.Signal) ([]time.Duration, error) {
	var all []time.Duration
	for i := range n {
		k.Tell(fmt.Sprintf("%s: %d of %d", what, i+1, n))
		g, err := k.gap(ctx, fmt.Sprintf("%s%d", what[:4], i), sig)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	slices.Sort(all)
	return all, nil
}

func (k *cluster) killed(ctx context.Context) ([]bench.Figure, error) {
	g, err := k.gaps(ctx, "kill -9 of the leader", k.Kills, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	return []bench.Figure{
		{What: "leader killed, next write, median", Unit: "s", Goal: 1.2, Measured: g[len(g)/2].Seconds(), Nomad: 2.83, Note: fmt.Sprintf("of %d", len(g))},
		{What: "leader killed, next write, worst", Unit: "s", Goal: 2.5, Measured: g[len(g)-1].Seconds()},
	}, nil
}

func (k *cluster) stopped(ctx context.Context) ([]bench.Figure, error) {
	g, err := k.gaps(ctx, "stop of the leader", k.Stops, syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	return []bench.Figure{{What: "leader stopped, longest wait of a write", Unit: "s", Goal: 0.3, Measured: g[len(g)-1].Seconds(), Note: fmt.Sprintf("worst of %d", len(g))}}, nil
}

// load asks with all callers for a while, and gives how many answers came a second and how long the slowest of a hundred took.
func (k *cluster) load(ctx context.Context, at int, ask func(c *caller, who, n int) error) (perSecond float64, p99 time.Duration, err error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var asked sync.WaitGroup
	lines := make([]*caller, callers)
	for i := range lines {
		if lines[i], err = dial(ctx, k.lan.Hosts[at]); err != nil {
			return 0, 0, err
		}
		defer lines[i].close()
	}
	began := time.Now()
	for who, c := range lines {
		asked.Go(func() {
			var own []time.Duration
			for n := 0; time.Since(began) < k.Load && ctx.Err() == nil; n++ {
				at := time.Now()
				if err := ask(c, who, n); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				own = append(own, time.Since(at))
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	asked.Wait()
	took := time.Since(began)
	if failed != nil || len(all) == 0 {
		return 0, 0, errors.Join(failed, ctx.Err())
	}
	slices.Sort(all)
	return float64(len(all)) / took.Seconds(), all[len(all)*99/100], nil
}

// job is a small service without instances, as the API takes it; say is in its environment.
func job(id, say string) string {
	return `{"Job":{"ID":"` + id + `","Name":"` + id + `","Type":"service","Datacenters":["dc1"],"TaskGroups":[{"Name":"web","Count":0,"Tasks":[` +
		`{"Name":"server","Driver":"containerd","Config":{"image":"berth.local/web:1"},"Env":{"PORT":"` + say + `"},"Resources":{"CPU":100,"MemoryMB":64}}]}]}}`
}

// spent is the processor time of every agent, and of this process.
func (k *cluster) spent() ([]time.Duration, error) {
	var all []time.Duration
	for _, a := range k.agents {
		d, err := bench.CPU(a.Pid())
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	own, err := bench.CPU(os.Getpid())
	return append(all, own), err
}

func (k *cluster) registrations(ctx context.Context) ([]bench.Figure, error) {
	lead, err := k.leader(ctx)
	if err != nil {
		return nil, err
	}
	k.Tell("registering jobs")
	before, err := k.spent()
	if err != nil {
		return nil, err
	}
	rate, p99, err := k.load(ctx, lead, func(c *caller, who, n int) error {
		_, _, err := c.ask(http.MethodPut, "/v1/jobs", job(fmt.Sprintf("job-%d-%d", who, n), "8080"), false)
		return err
	})
	if err != nil {
		return nil, err
	}
	after, err := k.spent()
	if err != nil {
		return nil, err
	}
	var each []float64 // µs
	for i := range after {
		each = append(each, (after[i]-before[i]).Seconds()*1e6/(rate*k.Load.Seconds()))
	}
	lead1 := each[lead]
	note := fmt.Sprintf("µs of processor each: leader %.0f, followers %.0f together, callers %.0f", lead1, each[0]+each[1]+each[2]-lead1, each[len(each)-1])
	return []bench.Figure{
		{What: "registrations of 64 writers, 3 servers", Unit: "1/s", Goal: 5000, Measured: rate, More: true, Note: note},
		{What: "registration, 99 of 100", Unit: "ms", Goal: 50, Measured: float64(p99) / 1e6},
	}, nil
}

// watched measures from the registration of a job to the return of a blocking query that waits for it.
func (k *cluster) watched(ctx context.Context) ([]bench.Figure, error) {
	lead, err := k.leader(ctx)
	if err != nil {
		return nil, err
	}
	k.Tell("blocking queries")
	lines, err := k.lines(ctx, lead, 2)
	if err != nil {
		return nil, err
	}
	const rounds = 500
	type sight struct {
		version uint64
		at      time.Time
		err     error
	}
	sights := make(chan sight, rounds)
	if _, _, err := lines[0].ask(http.MethodPut, "/v1/jobs", job("watched", "0"), false); err != nil {
		return nil, err
	}
	go func() {
		last, index := uint64(0), uint64(0)
		for last < rounds {
			text, now, err := lines[1].ask(http.MethodGet, fmt.Sprintf("/v1/job/watched?index=%d", index), "", false)
			var j struct{ Version uint64 }
			s := sight{at: time.Now(), err: err}
			if err == nil {
				s.err = json.Unmarshal(text, &j)
			}
			s.version, index = j.Version, now
			if s.err != nil || s.version > last { // other changes of the job wake it as well
				last = s.version
				sights <- s
			}
			if s.err != nil {
				return
			}
		}
	}()
	var took []time.Duration
	for i := range rounds {
		begin := time.Now()
		if _, _, err := lines[0].ask(http.MethodPut, "/v1/jobs", job("watched", fmt.Sprint(i+1)), false); err != nil {
			return nil, err
		}
		select {
		case s := <-sights:
			if s.err != nil {
				return nil, s.err
			}
			took = append(took, s.at.Sub(begin))
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(giveUp):
			return nil, fmt.Errorf("version %d was never seen", i+1)
		}
	}
	return []bench.Figure{
		{What: "register to the return of a blocking query, p50", Unit: "ms", Goal: 5, Measured: ms(bench.Percentile(took, 0.5)), Nomad: 5.2},
		{What: "register to the return of a blocking query, p99", Unit: "ms", Goal: 15, Measured: ms(bench.Percentile(took, 0.99)), Nomad: 24},
	}, nil
}

func (k *cluster) reads(ctx context.Context) ([]bench.Figure, error) {
	lead, err := k.leader(ctx)
	if err != nil {
		return nil, err
	}
	var out []bench.Figure
	for _, c := range []struct {
		what        string
		zip         bool
		goal, nomad float64
	}{{"GET of one job", false, 20_000, 16_700}, {"GET of one job, gzip asked for", true, 12_000, 2060}} {
		k.Tell(c.what)
		rate, _, err := k.load(ctx, lead, func(l *caller, _, _ int) error {
			text, _, err := l.ask(http.MethodGet, "/v1/job/job-0-0", "", c.zip)
			if err == nil && c.zip {
				err = l.unzipped(text)
			}
			return err
		})
		if err != nil {
			return out, err
		}
		out = append(out, bench.Figure{What: c.what, Unit: "1/s", Goal: c.goal, Measured: rate, More: true, Nomad: c.nomad, Note: "caller on the same cores"})
	}
	return out, nil
}
