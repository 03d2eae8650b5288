package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"berth/client/network/netns"
	"berth/client/network/nettest"

	"github.com/vishvananda/netlink"
)

func tearDown(tb testing.TB, m *Manager, id string) {
	tb.Helper()
	if err := m.Teardown(context.Background(), id); err != nil {
		tb.Fatal(err)
	}
}

func TestTeardownLeavesNothing(t *testing.T) {
	m := testManager(t, nil)
	setUp(t, m, bridgeRequest("keeper")) // so that bridge and tables stay
	before := kernelState(t)
	res := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}, Port{Label: "x", HostIP: "127.0.0.1", Host: 9000}))
	setUp(t, m, Request{AllocID: "alloc-n", Mode: ModeNone})
	setUp(t, m, Request{AllocID: "alloc-h", Mode: ModeHost, Hostname: "web"})
	if kernelState(t) == before {
		t.Fatal("set up changed nothing, so this test proves nothing")
	}
	for _, id := range []string{"alloc-a", "alloc-a", "alloc-n", "alloc-h", "never-seen"} {
		tearDown(t, m, id)
	}
	if after := kernelState(t); after != before {
		t.Errorf("left behind:\n%s\nwas:\n%s", after, before)
	}
	if _, err := os.Stat(filepath.Dir(res.Hosts)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder of the allocation is still there: %v", err)
	}
	if ids, err := m.List(context.Background()); err != nil || !slices.Equal(ids, []string{"keeper"}) {
		t.Errorf("list = %v, %v", ids, err)
	}
}

func TestRemoveAllLeavesTheMachineAsItWas(t *testing.T) {
	nettest.RequireIsolated(t)
	before := kernelState(t)
	m := testManager(t, nil)
	setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	setUp(t, m, Request{AllocID: "alloc-n", Mode: ModeNone})
	for range 2 {
		if err := m.RemoveAll(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if after := kernelState(t); after != before {
		t.Errorf("left behind:\n%s\nwas:\n%s", after, before)
	}
	for _, dir := range []string{m.cfg.NetNSDir, m.cfg.StateDir} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
	setUp(t, m, bridgeRequest("alloc-b")) // and it works again
}

func TestSetupTwiceIsSetupOnce(t *testing.T) {
	m := testManager(t, nil)
	req := bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80})
	first := setUp(t, m, req)
	before := kernelState(t)
	second := setUp(t, m, req)
	if first.IP != second.IP || first.NetNS != second.NetNS {
		t.Errorf("second set up answered %+v, first %+v", second, first)
	}
	if after := kernelState(t); after != before {
		t.Errorf("second set up changed:\n%s\nwas:\n%s", after, before)
	}
	req.Ports = []Port{{Label: "http", Host: 8081, To: 80}}
	setUp(t, m, req)
	serve(t, first.NetNS, "a", "0.0.0.0", 80)
	wantAnswer(t, "", "tcp", "127.0.0.1:8081", "a")
	wantNoAnswer(t, "", "tcp", "127.0.0.1:8080")
	if _, err := m.Setup(context.Background(), Request{AllocID: "alloc-a", Mode: ModeNone}); err == nil {
		t.Error("the mode was changed without an error")
	}
}

func TestModeNoneHasOnlyLoopback(t *testing.T) {
	m := testManager(t, nil)
	res := setUp(t, m, Request{AllocID: "alloc-n", Mode: ModeNone, Hostname: "batch"})
	if res.IP != "" || res.Interface != "" {
		t.Errorf("result = %+v, want no address", res)
	}
	err := netns.In(res.NetNS, func() error {
		links, err := netlink.LinkList()
		if err == nil && (len(links) != 1 || links[0].Attrs().Name != "lo" || links[0].Attrs().RawFlags&1 == 0) {
			t.Errorf("interfaces = %v, want loopback, up", links)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := netlink.LinkByName(m.cfg.Bridge); err == nil {
		t.Error("a bridge was made for nobody")
	}
	if text, _ := os.ReadFile(res.Hosts); !strings.Contains(string(text), "127.0.1.1 batch\n") {
		t.Errorf("hosts = %s", text)
	}
}

func TestHostModeMakesOnlyWhatIsAsked(t *testing.T) {
	m := testManager(t, nil)
	if res := setUp(t, m, Request{AllocID: "plain", Mode: ModeHost}); res.NetNS != "" || res.Hosts != "" || res.ResolvConf != "" {
		t.Errorf("result = %+v, want nothing", res)
	}
	res := setUp(t, m, Request{AllocID: "named", Mode: ModeHost, DNS: DNS{Servers: []string{"192.0.2.53"}}})
	if text, _ := os.ReadFile(res.ResolvConf); !strings.Contains(string(text), "nameserver 192.0.2.53\n") {
		t.Errorf("resolv.conf = %s", text)
	}
	if ids, _ := m.List(context.Background()); !slices.Equal(ids, []string{"named"}) {
		t.Errorf("list = %v", ids)
	}
}

func TestAgentKilledAndStartedAgainKeepsRunningAllocations(t *testing.T) {
	m := testManager(t, nil)
	keep := bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80})
	a := setUp(t, m, keep)
	setUp(t, m, bridgeRequest("alloc-b", Port{Label: "http", Host: 8081, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	inode := namespaceOf(t, a.NetNS)

	next := again(t, m)
	if err := next.Sync(context.Background(), []Request{keep}); err != nil {
		t.Fatal(err)
	}
	if namespaceOf(t, a.NetNS) != inode {
		t.Error("the running namespace was replaced")
	}
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	if ids, _ := next.List(context.Background()); !slices.Equal(ids, []string{"alloc-a"}) {
		t.Errorf("list = %v, want the kept allocation", ids)
	}
	if c := setUp(t, next, bridgeRequest("alloc-c", Port{Label: "http", Host: 8081, To: 80})); c.IP == a.IP {
		t.Errorf("address %s was given out twice", c.IP)
	}
	_, err := next.Setup(context.Background(), bridgeRequest("alloc-d", Port{Label: "web", Host: 8080}))
	if err == nil || !strings.Contains(err.Error(), "already published by allocation alloc-a") {
		t.Errorf("error = %v, want the port's holder named", err)
	}
}

func TestNewManagerKnowsTheOldOnesWithoutSync(t *testing.T) {
	m := testManager(t, nil)
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	next := again(t, m)
	if b := setUp(t, next, bridgeRequest("alloc-b")); b.IP == a.IP {
		t.Fatalf("address %s was given out twice", b.IP)
	}
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	tearDown(t, again(t, m), "alloc-a")
	wantNoAnswer(t, "", "tcp", "127.0.0.1:8080")
	if state := kernelState(t); strings.Contains(state, "8080") || strings.Contains(state, a.IP) {
		t.Errorf("left behind:\n%s", state)
	}
}

func TestSyncKeepsWhatIsYoungerThanTheList(t *testing.T) {
	m := testManager(t, nil)
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	if err := m.Sync(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	tearDown(t, m, "alloc-a")
	if err := again(t, m).Sync(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestSyncRepairsWhatOthersBroke(t *testing.T) {
	breakage := map[string]func(t *testing.T, m *Manager, a *Result){
		"rules flushed": func(t *testing.T, _ *Manager, _ *Result) { run(t, "nft", "flush", "ruleset") },
		"bridge deleted": func(t *testing.T, m *Manager, _ *Result) {
			run(t, "ip", "link", "del", m.cfg.Bridge)
		},
		"veth deleted": func(t *testing.T, m *Manager, _ *Result) {
			run(t, "ip", "link", "del", vethName(m.cfg.Bridge, "alloc-a"))
		},
		"records lost": func(t *testing.T, m *Manager, _ *Result) {
			if err := os.RemoveAll(m.cfg.StateDir); err != nil {
				t.Fatal(err)
			}
		},
		"record damaged": func(t *testing.T, m *Manager, _ *Result) {
			if err := os.WriteFile(filepath.Join(m.cfg.allocDir("alloc-a"), recordFile), []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, broken := range breakage {
		t.Run(name, func(t *testing.T) {
			m := testManager(t, nil)
			req := bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80})
			a := setUp(t, m, req)
			serve(t, a.NetNS, "a", "0.0.0.0", 80)
			broken(t, m, a)
			next := again(t, m)
			if err := next.Sync(context.Background(), []Request{req}); err != nil {
				t.Fatal(err)
			}
			wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
			if res := setUp(t, next, req); res.IP != a.IP {
				t.Errorf("address changed from %s to %s", a.IP, res.IP)
			}
			state, err := next.Explain(context.Background())
			if err != nil || len(state.Allocs) != 1 || len(state.Allocs[0].Missing) != 0 {
				t.Errorf("explain = %+v, %v", state, err)
			}
		})
	}
}

func TestSetupHealsFlushedRulesAndDeletedBridge(t *testing.T) {
	m := testManager(t, nil)
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	run(t, "nft", "flush", "ruleset")
	run(t, "nft", "delete", "table", "inet", m.cfg.Table)
	run(t, "ip", "link", "del", m.cfg.Bridge)
	b := setUp(t, m, bridgeRequest("alloc-b", Port{Label: "http", Host: 8081, To: 80}))
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	wantAnswer(t, b.NetNS, "tcp", a.IP+":80", "a")
}

func TestSyncReportsANamespaceThatIsGone(t *testing.T) {
	m := testManager(t, nil)
	req := bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80})
	a := setUp(t, m, req)
	if err := netns.Remove(a.NetNS); err != nil {
		t.Fatal(err)
	}
	next := again(t, m)
	if err := next.Sync(context.Background(), []Request{req}); !errors.Is(err, ErrNamespaceGone) || !strings.Contains(err.Error(), "alloc-a") {
		t.Errorf("error = %v, want the namespace of alloc-a gone", err)
	}
	if ids, _ := next.List(context.Background()); len(ids) != 0 {
		t.Errorf("list = %v, want nothing left", ids)
	}
	setUp(t, next, req)
}

func TestAddressesRunOutWithAClearError(t *testing.T) {
	m := testManager(t, func(c *Config) { c.Subnet = netip.MustParsePrefix("10.9.8.0/29") })
	for i := range 5 {
		setUp(t, m, bridgeRequest(fmt.Sprintf("alloc-%d", i)))
	}
	before := kernelState(t)
	_, err := m.Setup(context.Background(), bridgeRequest("one-too-many", Port{Label: "http", Host: 8080}))
	if err == nil || !strings.Contains(err.Error(), "client.bridge_network_subnet") {
		t.Errorf("error = %v, want the setting named", err)
	}
	if after := kernelState(t); after != before {
		t.Errorf("a refused allocation left something:\n%s", difference(before, after))
	}
	tearDown(t, m, "alloc-3")
	setUp(t, m, bridgeRequest("one-more", Port{Label: "http", Host: 8080}))
}

func TestFailedSetupLeavesNothing(t *testing.T) {
	m := testManager(t, nil)
	setUp(t, m, bridgeRequest("keeper"))
	before := kernelState(t)
	rules := m.rules.open
	m.rules.open = func() (ruleset, error) { return nil, errors.New("no nft today") }
	_, err := m.Setup(context.Background(), bridgeRequest("alloc-a", Port{Label: "http", Host: 8080}))
	if err == nil || !strings.Contains(err.Error(), "no nft today") {
		t.Fatalf("error = %v", err)
	}
	m.rules.open = rules
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Setup(canceled, bridgeRequest("alloc-a")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want canceled", err)
	}
	if after := kernelState(t); after != before {
		t.Errorf("left behind:\n%s\nwas:\n%s", after, before)
	}
	if ids, _ := m.List(context.Background()); !slices.Equal(ids, []string{"keeper"}) {
		t.Errorf("list = %v", ids)
	}
}

func TestTwoHundredAllocationsAtOnce(t *testing.T) {
	m := testManager(t, nil)
	setUp(t, m, bridgeRequest("keeper"))
	before := kernelState(t)
	const count = 200
	addrs := make([]string, count)
	each(t, count, func(i int) error {
		res, err := m.Setup(context.Background(), bridgeRequest(fmt.Sprintf("alloc-%d", i), Port{Label: "http", Host: 20000 + i, To: 80}))
		if err == nil {
			addrs[i] = res.IP
		}
		return err
	})
	slices.Sort(addrs)
	if n := len(slices.Compact(addrs)); n != count {
		t.Errorf("%d different addresses for %d allocations", n, count)
	}
	state, err := m.Explain(context.Background())
	if err != nil || len(state.Allocs) != count+1 || state.AddressesUsed != count+1 {
		t.Errorf("explain: %d allocations, %d addresses, %v", len(state.Allocs), state.AddressesUsed, err)
	}
	serve(t, m.cfg.netNSPath("alloc-123"), "123", "0.0.0.0", 80)
	wantAnswer(t, "", "tcp", "127.0.0.1:20123", "123")
	each(t, count, func(i int) error { return m.Teardown(context.Background(), fmt.Sprintf("alloc-%d", i)) })
	if after := kernelState(t); after != before {
		t.Errorf("left behind:\n%s\nwas:\n%s", after, before)
	}
}

// each runs fn for 0..count-1, all at once.
func each(tb testing.TB, count int, fn func(i int) error) {
	tb.Helper()
	var wg sync.WaitGroup
	for i := range count {
		wg.Go(func() {
			if err := fn(i); err != nil {
				tb.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	// What is not there needs no breaking.
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil && !strings.Contains(string(out), "No such file") {
		tb.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

func namespaceOf(tb testing.TB, path string) string {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprint(info.Sys())
}
