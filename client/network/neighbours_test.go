package network

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestTwoAgentsOnOneMachineDoNotDisturbEachOther(t *testing.T) {
	one := testManager(t, nil)
	two := testManager(t, func(c *Config) {
		c.Bridge, c.Table, c.Subnet = "berth1", "berth_two", netip.MustParsePrefix("172.27.0.0/24")
		c.NetNSDir = one.cfg.NetNSDir
	})
	a := setUp(t, one, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	b := setUp(t, two, bridgeRequest("alloc-a", Port{Label: "http", Host: 8081, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	serve(t, b.NetNS, "b", "0.0.0.0", 80)
	for _, addr := range []string{"127.0.0.1", a.Gateway} {
		wantAnswer(t, "", "tcp", addr+":8080", "a")
		wantAnswer(t, "", "tcp", addr+":8081", "b")
	}
	wantAnswer(t, a.NetNS, "tcp", b.Gateway+":8081", "b")
	wantNoAnswer(t, a.NetNS, "tcp", b.IP+":80")
	if err := two.Sync(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	if err := two.RemoveAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
	wantNoAnswer(t, "", "tcp", "127.0.0.1:8081")
}

func TestForeignThingsAreRefusedAndKept(t *testing.T) {
	cases := map[string]struct {
		make, remove [][]string
		want         string
	}{
		"bridge of the same name": {
			make:   [][]string{{"ip", "link", "add", "berth0", "type", "bridge"}},
			remove: [][]string{{"ip", "link", "del", "berth0"}},
			want:   "client.bridge_network_name",
		},
		"other interface of the same name": {
			make:   [][]string{{"ip", "link", "add", "berth0", "type", "veth", "peer", "name", "other0"}},
			remove: [][]string{{"ip", "link", "del", "berth0"}},
			want:   "client.bridge_network_name",
		},
		"overlapping route": {
			make:   [][]string{{"ip", "route", "add", "172.26.0.0/16", "dev", "lo"}},
			remove: [][]string{{"ip", "route", "del", "172.26.0.0/16", "dev", "lo"}},
			want:   "client.bridge_network_subnet",
		},
		"table of the same name": {
			make:   [][]string{{"nft", "add", "table", "inet", "berth"}, {"nft", "add", "chain", "inet", "berth", "mine"}},
			remove: [][]string{{"nft", "delete", "table", "inet", "berth"}},
			want:   "was not made by Berth",
		},
		"table of another agent": {
			make:   [][]string{{"nft", "add", "table", "inet", "berth"}, {"nft", "add", "chain", "inet", "berth", ownerChain("berth7")}},
			remove: [][]string{{"nft", "delete", "table", "inet", "berth"}},
			want:   "belongs to the bridge berth7",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := testManager(t, nil)
			before := kernelState(t)
			for _, args := range c.make {
				run(t, args[0], args[1:]...)
			}
			foreign := kernelState(t)
			_, err := m.Setup(context.Background(), bridgeRequest("alloc-a"))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("set up: error = %v, want %q", err, c.want)
			}
			problems, _ := m.Fingerprint(context.Background())
			if len(problems) != 1 || !strings.Contains(problems[0], c.want) {
				t.Errorf("fingerprint = %q, want %q", problems, c.want)
			}
			if err := m.RemoveAll(context.Background()); err != nil {
				t.Error(err)
			}
			if after := kernelState(t); after != foreign {
				t.Errorf("a foreign thing was changed:\n%s\nwas:\n%s", after, foreign)
			}
			for _, args := range c.remove {
				run(t, args[0], args[1:]...)
			}
			if kernelState(t) != before {
				t.Error("the test did not clean up")
			}
		})
	}
}

func TestSubnetMayChangeOnlyWhileNobodyUsesIt(t *testing.T) {
	m := testManager(t, nil)
	setUp(t, m, bridgeRequest("alloc-a"))
	changed := again(t, m)
	changed.cfg.Subnet = netip.MustParsePrefix("10.77.0.0/24")
	changed.rules.cfg = changed.cfg
	_, err := changed.Setup(context.Background(), bridgeRequest("alloc-b"))
	if err == nil || !strings.Contains(err.Error(), "client.bridge_network_subnet") {
		t.Errorf("error = %v, want the setting named", err)
	}
	if err := changed.Sync(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	res := setUp(t, changed, bridgeRequest("alloc-b"))
	if !changed.cfg.Subnet.Contains(addrOf(t, res.IP)) {
		t.Errorf("address %s is not in the new subnet", res.IP)
	}
}

func TestFingerprintFindsNothingWrongHereAndChangesNothing(t *testing.T) {
	m := testManager(t, nil)
	before := kernelState(t)
	problems, attrs := m.Fingerprint(context.Background())
	if len(problems) != 0 {
		t.Errorf("problems = %q", problems)
	}
	if attrs[attrBridgeName] != "berth0" || attrs[attrNftVersion] == "" || attrs[attrWarning] != "" {
		t.Errorf("attributes = %v", attrs)
	}
	if kernelState(t) != before {
		t.Error("fingerprint changed the machine")
	}
	t.Setenv("PATH", t.TempDir())
	problems, _ = m.Fingerprint(context.Background())
	if len(problems) != 1 || !strings.Contains(problems[0], "install the package nftables") {
		t.Errorf("problems without nft = %q", problems)
	}
}

func TestBridgeFollowsTheMTUOfTheDefaultRoute(t *testing.T) {
	m := testManager(t, nil)
	outside(t)
	run(t, "sh", "-c", "ip link set $(ip -o route get 192.0.2.2 | sed 's/.* dev \\([^ ]*\\).*/\\1/') mtu 1400 && ip route add default via 192.0.2.2")
	a := setUp(t, m, bridgeRequest("alloc-a"))
	for _, nsPath := range []string{"", a.NetNS} {
		name := m.cfg.Bridge
		if nsPath != "" {
			name = interfaceName
		}
		if err := inside(nsPath, func() error {
			link, err := netlink.LinkByName(name)
			if err == nil && link.Attrs().MTU != 1400 {
				t.Errorf("MTU of %s is %d, want 1400", name, link.Attrs().MTU)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFingerprintTellsOfAFirewallInTheWay(t *testing.T) {
	m := testManager(t, nil)
	run(t, "nft", "add", "table", "ip", "filter")
	t.Cleanup(func() { run(t, "nft", "delete", "table", "ip", "filter") })
	run(t, "nft", "add", "chain", "ip", "filter", "FORWARD", "{ type filter hook forward priority 0 ; policy drop ; }")
	problems, attrs := m.Fingerprint(context.Background())
	if len(problems) != 0 || !strings.Contains(attrs[attrWarning], "chain FORWARD of table ip filter") || !strings.Contains(attrs[attrWarning], "iptables -I FORWARD -i berth0 -j ACCEPT") {
		t.Errorf("problems = %q, warning = %q", problems, attrs[attrWarning])
	}
}

func TestBridgeThatIsFullSaysSo(t *testing.T) {
	m := testManager(t, nil)
	setUp(t, m, bridgeRequest("alloc-a"))
	t.Cleanup(func() { run(t, "ip", "link", "del", "group", "77") })
	// The other 1,022 places are taken by pairs that nobody uses.
	var script strings.Builder
	for i := range 511 {
		fmt.Fprintf(&script, "link add fa%d group 77 master berth0 type veth peer name fb%d\nlink set fb%d master berth0\n", i, i, i)
	}
	batch := exec.Command("ip", "-batch", "-")
	batch.Stdin = strings.NewReader(script.String())
	if out, err := batch.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, err := m.Setup(context.Background(), bridgeRequest("alloc-b"))
	if err == nil || !strings.Contains(err.Error(), "bridge berth0 is full") {
		t.Errorf("error = %v, want the limit named", err)
	}
	if ids, _ := m.List(context.Background()); len(ids) != 1 {
		t.Errorf("list = %v", ids)
	}
}
