package network

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
)

// crashes are the points at which the agent may be killed while it sets an allocation up. Each takes the step after the
// one before it.
var crashPoints = []struct {
	name string
	step func(m *Manager, r record) error
}{
	{"before anything", func(*Manager, record) error { return nil }},
	{"record written", func(m *Manager, r record) error { return m.cfg.writeRecord(r) }},
	{"namespace made", func(m *Manager, r record) error {
		return netns.Create(m.cfg.netNSPath(r.Request.AllocID), setUpLoopback)
	}},
	{"bridge made", func(m *Manager, _ record) error { _, err := m.ensureBridge(); return err }},
	{"veth made, not marked", func(m *Manager, r record) error {
		bridge, err := m.ensureBridge()
		if err != nil {
			return err
		}
		link, err := m.cfg.createVeth(bridge, vethName(m.cfg.Bridge, r.Request.AllocID), r.Request.AllocID, m.cfg.netNSPath(r.Request.AllocID), r.IP)
		if err != nil {
			return err
		}
		return netlink.LinkSetAlias(link, "")
	}},
	{"veth connected", func(m *Manager, r record) error {
		return m.connect(context.Background(), r, &Result{NetNS: m.cfg.netNSPath(r.Request.AllocID)})
	}},
	{"files written", func(m *Manager, r record) error { return m.writeFiles(r, &Result{}) }},
	{"rules written", func(m *Manager, r record) error {
		return m.rules.set(r.Request.AllocID, r.elements(m.cfg.Bridge))
	}},
}

func TestAgentKilledAtAnyPointOfSetup(t *testing.T) {
	req := bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80})
	after := map[string]func(t *testing.T, m *Manager){
		"then torn down": func(t *testing.T, m *Manager) { tearDown(t, m, req.AllocID) },
		"then unwanted": func(t *testing.T, m *Manager) {
			if err := m.Sync(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
		},
		"then set up again": func(t *testing.T, m *Manager) {
			a := setUp(t, m, req)
			serve(t, a.NetNS, "a", "0.0.0.0", 80)
			wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
			tearDown(t, m, req.AllocID)
		},
	}
	for i, point := range crashPoints {
		for name, continued := range after {
			t.Run(point.name+", "+name, func(t *testing.T) {
				m := testManager(t, nil)
				if err := m.load(); err != nil {
					t.Fatal(err)
				}
				before := kernelState(t)
				r, err := m.reserve(req)
				for _, p := range crashPoints[:i+1] {
					if err == nil {
						err = p.step(m, r)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				next := again(t, m)
				continued(t, next)
				if ids, err := next.List(context.Background()); err != nil || len(ids) != 0 {
					t.Errorf("list = %v, %v, want nothing left", ids, err)
				}
				if err := next.RemoveAll(context.Background()); err != nil {
					t.Fatal(err)
				}
				if now := kernelState(t); now != before {
					t.Errorf("left behind:\n%s\nwas:\n%s", now, before)
				}
			})
		}
	}
}

func TestAllModesOutliveTheAgent(t *testing.T) {
	m := testManager(t, nil)
	keep := []Request{
		bridgeRequest("alloc-b", Port{Label: "http", Host: 8080, To: 80}),
		{AllocID: "alloc-h", Mode: ModeHost, Hostname: "web"},
		{AllocID: "alloc-n", Mode: ModeNone},
		{AllocID: "alloc-p", Mode: ModeHost},
	}
	results := map[string]*Result{}
	for _, req := range keep {
		results[req.AllocID] = setUp(t, m, req)
	}
	next := again(t, m)
	if err := next.Sync(context.Background(), keep); err != nil {
		t.Fatal(err)
	}
	if ids, _ := next.List(context.Background()); !slices.Equal(ids, []string{"alloc-b", "alloc-h", "alloc-n"}) {
		t.Errorf("list = %v", ids)
	}
	for _, req := range keep {
		if res := setUp(t, next, req); res.NetNS != results[req.AllocID].NetNS || res.IP != results[req.AllocID].IP || res.Hosts != results[req.AllocID].Hosts {
			t.Errorf("%s: %+v, was %+v", req.AllocID, res, results[req.AllocID])
		}
	}
}

func TestRecordThatCannotBeWrittenStopsSetupBeforeTheKernel(t *testing.T) {
	m := testManager(t, nil)
	req := bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80})
	a := setUp(t, m, req)
	before := kernelState(t)
	// A file where the folder of the new allocation should be, and a folder where the record of the running one should be.
	if err := os.WriteFile(m.cfg.allocDir("alloc-b"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	recordPath := filepath.Join(m.cfg.allocDir("alloc-a"), recordFile)
	if err := errors.Join(os.Remove(recordPath), os.Mkdir(recordPath, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Setup(context.Background(), bridgeRequest("alloc-b", Port{Label: "x", Host: 9000})); err == nil {
		t.Error("set up without a record")
	}
	if _, err := m.Setup(context.Background(), req); err == nil {
		t.Error("set up again without a record")
	}
	if after := kernelState(t); after != before {
		t.Errorf("the kernel was changed:\n%s\nwas:\n%s", after, before)
	}
	if c := setUp(t, m, bridgeRequest("alloc-c", Port{Label: "x", Host: 9000})); c.IP == a.IP {
		t.Error("the running allocation lost its address")
	}
}
