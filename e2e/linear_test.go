package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"berth/e2e/harness"
	"berth/structs"
)

// The environment of a longer run, and of one that is to be had again.
const (
	soakEnv = "BERTH_SOAK" // a duration
	seedEnv = "BERTH_SEED"
)

// An ask is one operation on a register: a job, whose value is in its meta, or the scheduler's configuration.
type ask struct {
	key   string
	kind  string // read, write, swap
	value int
	index uint64 // a swap's condition
	// excused is a refused swap that a write nobody saw may have overtaken: its refusal tells nothing.
	excused bool
}

// told is its answer: what the register holds and the index it was written at.
type told struct {
	value   int
	index   uint64
	refused bool // a swap whose condition did not hold
	unknown bool // it may have been done or not
}

// register is what one infallible register would answer. Every write has a value of its own, and a later write a higher index.
func register() porcupine.Model {
	type cell struct {
		value int
		index uint64
	}
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
			at := map[string]int{}
			for _, op := range history {
				key := op.Input.(ask).key
				if _, ok := at[key]; !ok {
					at[key] = len(parts)
					parts = append(parts, nil)
				}
				parts[at[key]] = append(parts[at[key]], op)
			}
			return parts
		},
		Init: func() any { return cell{} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(cell), input.(ask), output.(told)
			switch {
			case out.refused:
				return in.excused || in.index != s.index, s
			case in.kind == "read":
				return out.value == s.value && out.index == s.index, s
			case in.kind == "swap" && in.index != s.index:
				return false, s
			}
			return out.index > s.index, cell{in.value, out.index}
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
	}
}

// settled are the operations whose outcome can be told. A write that was not answered and that somebody saw was done, at the index it
// was seen with, at any time after it was asked for; one that nobody saw makes no difference to anybody but to swaps it overtook.
func settled(history []porcupine.Operation) []porcupine.Operation {
	type seen struct {
		key   string
		value int
	}
	at := map[seen]uint64{}
	for _, op := range history {
		in, out := op.Input.(ask), op.Output.(told)
		if in.kind == "read" && !out.unknown {
			at[seen{in.key, out.value}] = out.index
		}
	}
	var all, unseen []porcupine.Operation
	for _, op := range history {
		in, out := op.Input.(ask), op.Output.(told)
		if out.unknown {
			index, found := at[seen{in.key, in.value}]
			if !found {
				unseen = append(unseen, op)
				continue
			}
			op.Output, op.Return = told{value: in.value, index: index}, int64(time.Hour*24)
		}
		all = append(all, op)
	}
	for i, op := range all {
		if in := op.Input.(ask); op.Output.(told).refused {
			in.excused = slices.ContainsFunc(unseen, func(u porcupine.Operation) bool {
				by := u.Input.(ask)
				return by.key == in.key && u.Call < op.Return && (by.kind == "write" || by.index == in.index)
			})
			all[i].Input = in
		}
	}
	return all
}

// The checker itself finds what it is for.
func TestTheRegisterFindsStaleReadsAndLostWrites(t *testing.T) {
	op := func(in ask, out told, call, ret int64) porcupine.Operation {
		return porcupine.Operation{Input: in, Output: out, Call: call, Return: ret}
	}
	w := func(v int, i uint64, call int64) porcupine.Operation {
		return op(ask{kind: "write", value: v}, told{value: v, index: i}, call, call+1)
	}
	read := func(v int, i uint64, call int64) porcupine.Operation {
		return op(ask{kind: "read"}, told{value: v, index: i}, call, call+1)
	}
	lost := op(ask{kind: "write", value: 2}, told{unknown: true}, 10, 11)
	refused := func(i uint64, call int64) porcupine.Operation {
		return op(ask{kind: "swap", value: 4, index: i}, told{refused: true}, call, call+1)
	}
	lostSwap := op(ask{kind: "swap", value: 2, index: 4}, told{unknown: true}, 10, 11)
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"in order":                 {[]porcupine.Operation{w(1, 5, 0), read(1, 5, 10), w(2, 6, 20), read(2, 6, 30)}, true},
		"a stale read":             {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10), read(1, 5, 20)}, false},
		"a lost write":             {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10), read(2, 6, 20), read(1, 5, 30)}, false},
		"all is gone":              {[]porcupine.Operation{w(1, 5, 0), read(0, 0, 30)}, false},
		"a swap on an old index":   {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10), op(ask{kind: "swap", value: 3, index: 5}, told{value: 3, index: 7}, 20, 21)}, false},
		"a refusal":                {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10), refused(5, 20)}, true},
		"a refusal for nothing":    {[]porcupine.Operation{w(1, 5, 0), refused(5, 20)}, false},
		"refused after a loss":     {[]porcupine.Operation{w(1, 5, 0), lost, refused(5, 20), w(3, 7, 30)}, true},
		"refused before the loss":  {[]porcupine.Operation{w(1, 5, 0), refused(5, 5), lost}, false},
		"refused, another swapped": {[]porcupine.Operation{w(1, 5, 0), lostSwap, refused(5, 20)}, false},
		"a value nobody wrote":     {[]porcupine.Operation{read(100, 0, 0), w(1, 5, 10)}, false},
		"an index that goes back":  {[]porcupine.Operation{w(1, 5, 0), w(2, 4, 10)}, false},
		"seen later":               {[]porcupine.Operation{w(1, 5, 0), lost, read(1, 5, 20), read(2, 6, 30)}, true},
		"seen and gone":            {[]porcupine.Operation{w(1, 5, 0), lost, read(2, 6, 20), read(1, 5, 30)}, false},
		"seen before it was asked": {[]porcupine.Operation{w(1, 5, 0), read(2, 6, 5), lost}, false},
	} {
		if got := porcupine.CheckOperations(register(), settled(c.history)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// contradictions says which operations cannot be explained: indexes order the writes of a register, and what was answered before
// another was asked for cannot come after it.
func contradictions(ops []porcupine.Operation) string {
	var text strings.Builder
	writes := map[string]map[uint64]bool{}
	for _, op := range ops {
		if in, out := op.Input.(ask), op.Output.(told); in.kind != "read" && !out.refused {
			if writes[in.key] == nil {
				writes[in.key] = map[uint64]bool{0: true}
			}
			writes[in.key][out.index] = true
		}
	}
	for _, op := range ops {
		in, out := op.Input.(ask), op.Output.(told)
		if in.kind == "read" && (!writes[in.key][out.index] || out.index == 0 && out.value != 0) {
			fmt.Fprintf(&text, "\n%+v was answered %+v at %v, which nobody is known to have written", in, out, time.Duration(op.Return))
		}
		if in.kind == "swap" && !out.refused && !writes[in.key][in.index] {
			fmt.Fprintf(&text, "\n%+v was answered %+v at %v, and nobody is known to have written at %d", in, out, time.Duration(op.Return), in.index)
		}
		for other := range writes[in.key] {
			if in.kind == "swap" && !out.refused && other > in.index && other < out.index {
				fmt.Fprintf(&text, "\n%+v was answered %+v at %v, although there was a write at %d", in, out, time.Duration(op.Return), other)
			}
		}
	}
	for _, a := range ops {
		for _, b := range ops {
			ai, ao, bi, bo := a.Input.(ask), a.Output.(told), b.Input.(ask), b.Output.(told)
			if ai.key == bi.key && !ao.refused && !bo.refused && a.Return < b.Call && ao.index > bo.index {
				fmt.Fprintf(&text, "\n%+v was answered %+v at %v by a client %d, then %+v, asked at %v by client %d, was answered %+v", ai, ao,
					time.Duration(a.Return), a.ClientId, bi, time.Duration(b.Call), b.ClientId, bo)
			}
			if ai.key == bi.key && ao.index == bo.index && ao.value != bo.value && !ao.refused && !bo.refused {
				fmt.Fprintf(&text, "\n%+v and %+v have one index: %+v, %+v", ai, bi, ao, bo)
			}
		}
	}
	return text.String()
}

// listed are operations in the order they were asked for.
func listed(ops []porcupine.Operation) string {
	var text strings.Builder
	for _, op := range slices.SortedFunc(slices.Values(ops), func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) }) {
		fmt.Fprintf(&text, "\n%v to %v, client %d: %+v: %+v", time.Duration(op.Call), time.Duration(op.Return), op.ClientId, op.Input, op.Output)
	}
	return text.String()
}

const configKey = "configuration"

// patience is how long a client waits for an answer: a server that is cut off holds a request longer, and meanwhile the others answer.
const patience = time.Second

// do asks one server. False when the operation certainly was not done, or tells nothing.
func (w *town) do(ctx context.Context, i int, in ask) (told, bool) {
	api := w.agents[i-1].API
	fail := func(err error) (told, bool) {
		var dial *net.OpError
		if in.kind == "read" || errors.As(err, &dial) && dial.Op == "dial" {
			return told{}, false
		}
		var refused *harness.StatusError
		if in.kind == "swap" && errors.As(err, &refused) && refused.Code == http.StatusConflict {
			return told{refused: true}, true
		}
		return told{unknown: true}, true
	}
	switch {
	case in.kind == "read" && in.key == configKey:
		var got struct {
			SchedulerConfig struct {
				NodeLimitForFeasibilityChecks int
				ModifyIndex                   uint64
			}
		}
		if err := api.Get(ctx, "/v1/operator/scheduler/configuration?consistent", &got); err != nil {
			return fail(err)
		}
		c := got.SchedulerConfig
		if c.ModifyIndex == 0 && c.NodeLimitForFeasibilityChecks == structs.DefaultSchedulerConfiguration().NodeLimitForFeasibilityChecks {
			return told{}, true // nobody wrote it yet
		}
		return told{value: c.NodeLimitForFeasibilityChecks, index: c.ModifyIndex}, true
	case in.kind == "read":
		var got struct {
			JobModifyIndex uint64
			Meta           map[string]string
		}
		err := api.Get(ctx, "/v1/job/"+in.key+"?consistent", &got)
		var refused *harness.StatusError
		if errors.As(err, &refused) && refused.Code == http.StatusNotFound {
			return told{}, true
		}
		if err != nil {
			return fail(err)
		}
		value, _ := strconv.Atoi(got.Meta["value"])
		return told{value: value, index: got.JobModifyIndex}, true
	case in.key == configKey:
		path := "/v1/operator/scheduler/configuration"
		if in.kind == "swap" {
			path += fmt.Sprintf("?cas=%d", in.index)
		}
		var got struct {
			Updated bool
			Index   uint64
		}
		index, err := api.Call(ctx, http.MethodPut, path, map[string]any{"SchedulerAlgorithm": "binpack", "NodeLimitForFeasibilityChecks": in.value}, &got)
		if err != nil {
			return fail(err)
		}
		return told{value: in.value, index: max(index, got.Index), refused: !got.Updated}, true
	}
	body := map[string]any{"Job": map[string]any{"ID": in.key, "Type": "service", "Meta": map[string]string{"value": strconv.Itoa(in.value)},
		"TaskGroups": []any{map[string]any{"Name": "g", "Count": 0, "Tasks": []any{map[string]any{"Name": "t", "Driver": "containerd",
			"Config": map[string]any{"image": webImage}}}}}}}
	if in.kind == "swap" {
		body["EnforceIndex"], body["JobModifyIndex"] = true, in.index
	}
	var got struct{ JobModifyIndex uint64 }
	if _, err := api.Call(ctx, http.MethodPut, "/v1/jobs", body, &got); err != nil {
		return fail(err)
	}
	return told{value: in.value, index: got.JobModifyIndex}, true
}

// history is what the clients of a test saw.
type history struct {
	w     *town
	began time.Time
	over  atomic.Bool
	last  atomic.Int64 // when a write was acknowledged last, ns since began

	mu    sync.Mutex
	ops   []porcupine.Operation
	acked map[string]bool // namespaces

	clients sync.WaitGroup
}

// history begins one: so many clients ask until it is judged, or the test ends.
func (w *town) history(clients int, seed uint64) *history {
	h := &history{w: w, began: time.Now(), acked: map[string]bool{}}
	for c := 1; c <= clients; c++ {
		h.clients.Go(func() { h.client(c, rand.New(rand.NewPCG(seed, uint64(c)))) })
	}
	w.Cleanup(h.end)
	return h
}

// end ends the clients.
func (h *history) end() { h.over.Store(true); h.clients.Wait() }

// client asks one server after the other until the test is over.
func (h *history) client(c int, r *rand.Rand) {
	keys := []string{configKey, "job-a", "job-b", "job-c"}
	seen := map[string]uint64{}
	for n := 1; !h.over.Load() && h.w.ctx.Err() == nil; n++ {
		at := 1 + r.IntN(3)
		in := ask{key: keys[r.IntN(len(keys))], kind: []string{"read", "read", "write", "swap", "swap"}[r.IntN(5)], value: c*1_000_000 + n}
		in.index = seen[in.key]
		out, done := h.one(c, at, in)
		if !done || out.unknown {
			select {
			case <-time.After(time.Duration(10+r.IntN(40)) * time.Millisecond):
			case <-h.w.ctx.Done():
			}
			continue
		}
		if !out.refused {
			seen[in.key] = out.index
		}
		if n%5 == 0 {
			name := fmt.Sprintf("n%d-%d", c, n)
			ctx, cancel := context.WithTimeout(h.w.ctx, patience)
			_, err := h.w.agents[at-1].API.Call(ctx, http.MethodPut, "/v1/namespace", map[string]string{"Name": name}, nil)
			cancel()
			if err == nil {
				h.mu.Lock()
				h.acked[name] = true
				h.mu.Unlock()
			}
		}
	}
}

func (h *history) one(c, at int, in ask) (told, bool) {
	ctx, cancel := context.WithTimeout(h.w.ctx, patience)
	defer cancel()
	call := time.Since(h.began)
	out, done := h.w.do(ctx, at, in)
	if !done {
		return out, false
	}
	back := time.Since(h.began)
	h.mu.Lock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: c, Input: in, Output: out, Call: int64(call), Return: int64(back)})
	h.mu.Unlock()
	if in.kind != "read" && !out.unknown && !out.refused {
		h.last.Store(int64(back))
	}
	return out, true
}

// flows waits until writes are acknowledged again.
func (h *history) flows(after string) {
	h.w.Helper()
	since := int64(time.Since(h.began))
	h.w.until("a write is acknowledged after "+after, func() bool { return h.last.Load() > since })
}

// goOn waits for some more operations.
func (h *history) goOn(n int) {
	h.w.Helper()
	count := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.ops)
	}
	before := count()
	h.w.until(fmt.Sprintf("%d more operations are answered", n), func() bool { return count() >= before+n })
}

// silence drops what a machine sends, or what it receives.
func (w *town) silence(i int, hook string) {
	w.Helper()
	iface := map[string]string{"input": "iifname", "output": "oifname"}[hook]
	w.nft(i, fmt.Sprintf("add table inet cut\nadd chain inet cut c { type filter hook %s priority 0; }\nadd rule inet cut c %s eth0 drop\n", hook, iface))
}

func (w *town) nft(i int, script string) {
	w.Helper()
	if _, err := w.lan.Hosts[i-1].Output("nft", script); err != nil {
		w.Fatal(err)
	}
}

// fault is something that happens to a cluster of three.
type fault struct {
	name string
	do   func(w *town, h *history, lead int)
}

// A run tries some faults at least, and begins no other after a time.
const (
	fewest = 4
	enough = 12 * time.Second
)

// pause is how long a fault lasts: two elections and more.
const pause = 1500 * time.Millisecond

func (w *town) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

func (w *town) signal(i int, s syscall.Signal) {
	w.Helper()
	if err := syscall.Kill(w.agents[i-1].Pid(), s); err != nil {
		w.Fatal(err)
	}
}

// kill ends machines' servers at once and starts them again.
func (w *town) kill(h *history, last time.Duration, machines ...int) {
	w.Helper()
	for _, i := range machines {
		w.signal(i, syscall.SIGKILL)
	}
	for _, i := range machines {
		if err := w.agents[i-1].Wait(w.ctx); err != nil {
			w.Fatal(err)
		}
	}
	if len(machines) == 1 {
		h.flows("a kill")
	}
	w.rest(last)
	for _, i := range machines {
		if err := w.agents[i-1].Launch(); err != nil {
			w.Fatal(err)
		}
	}
}

func faults() []fault {
	hold := func(begin, end func(w *town, i int)) func(w *town, h *history, lead int) {
		return func(w *town, h *history, lead int) {
			begin(w, lead)
			h.flows("a fault of the leader") // the others go on
			w.rest(pause / 3)
			end(w, lead)
		}
	}
	heal := func(w *town, i int) { w.nft(i, "delete table inet cut") }
	cable := func(out bool) func(w *town, i int) {
		return func(w *town, i int) {
			if err := w.lan.Cut(i, out); err != nil {
				w.Fatal(err)
			}
		}
	}
	return []fault{
		{"the leader is killed", func(w *town, h *history, lead int) { w.kill(h, 0, lead) }},
		{"a follower is killed", func(w *town, h *history, lead int) { w.kill(h, pause/3, lead%3+1) }},
		{"all are killed", func(w *town, h *history, _ int) { w.kill(h, 0, 1, 2, 3) }},
		{"the leader and a follower are killed", func(w *town, h *history, lead int) { w.kill(h, pause/3, lead, lead%3+1) }},
		{"the leader is stopped for a while", hold(func(w *town, i int) { w.signal(i, syscall.SIGSTOP) }, func(w *town, i int) { w.signal(i, syscall.SIGCONT) })},
		{"a follower is stopped for a while", func(w *town, h *history, lead int) {
			w.signal(lead%3+1, syscall.SIGSTOP)
			w.rest(pause)
			h.flows("a follower's stop")
			w.signal(lead%3+1, syscall.SIGCONT)
		}},
		{"the leader's cable is out", hold(cable(true), cable(false))},
		{"the leader is not heard", hold(func(w *town, i int) { w.silence(i, "output") }, heal)},
		{"the leader does not hear", hold(func(w *town, i int) { w.silence(i, "input") }, heal)},
		{"the network is bad", func(w *town, _ *history, _ int) { w.badNetwork(pause) }},
		{"another leads", func(w *town, _ *history, lead int) {
			_, _ = w.agents[lead-1].API.Call(w.ctx, http.MethodPut, "/v1/operator/raft/transfer-leadership", nil, nil) // it may lead no more
		}},
	}
}

// Jobs, checks of their index and the scheduler's configuration are linearizable on three real servers while these are killed, stopped,
// cut off and silenced, and no acknowledged write is lost.
func TestHistoriesOfRealServersAreLinearizable(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	lasts, _ := time.ParseDuration(os.Getenv(soakEnv))
	t.Logf("%s=%d has this order of faults again; %s=10m runs longer", seedEnv, seed, soakEnv)
	w := newTown(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout+lasts)
	defer cancel()
	w.ctx = ctx
	w.keepDead = true // a fault must not cost the cluster a vote: the next one would cost it its majority
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)

	h := w.history(4, seed)
	r := rand.New(rand.NewPCG(seed, 0))
	all := faults()
	for round := 0; round == 0 || time.Since(h.began) < lasts; round++ {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for n, f := range all {
			if n >= fewest && time.Since(h.began) > max(lasts, enough) {
				break
			}
			t.Logf("%v: %s", time.Since(h.began).Round(10*time.Millisecond), f.name)
			lead := w.voters(3)
			f.do(w, h, lead)
			h.flows("this: " + f.name)
		}
	}
	h.judge()
}

// least is how many operations must have been answered for a history to be worth a judgement.
const least = 60

// judge ends the clients of a cluster of three and looks at what they were told: every acknowledged write is on every server, and each register
// is linearizable.
func (h *history) judge() {
	w := h.w
	w.Helper()
	w.until(fmt.Sprintf("%d operations tell something", least), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(settled(h.ops)) >= least
	})
	h.end()
	w.voters(3)
	for i := 1; i <= 3; i++ {
		w.until(fmt.Sprintf("machine %d has every acknowledged namespace", i), func() bool {
			have := w.names(i)
			for name := range h.acked {
				if !have[name] {
					return false
				}
			}
			return true
		})
	}
	for _, key := range []string{configKey, "job-a", "job-b", "job-c"} {
		w.until(key+" can be read in the end", func() bool {
			_, done := h.one(9, 1, ask{key: key, kind: "read"})
			return done
		})
	}
	ops := settled(h.ops)
	w.Logf("%d operations, %d of them unanswered, %d namespaces, in %v", len(h.ops), len(h.ops)-len(ops), len(h.acked), time.Since(h.began).Round(time.Second))
	for _, part := range register().Partition(ops) {
		if res := porcupine.CheckOperationsTimeout(register(), part, testTimeout); res != porcupine.Ok {
			w.Errorf("the history of %s is %s%s\n%s", part[0].Input.(ask).key, res, contradictions(part), listed(part))
		}
	}
}
