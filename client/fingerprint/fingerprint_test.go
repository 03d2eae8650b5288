package fingerprint

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/fake"
	"berth/structs"
)

func TestParseCPUInfo(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want cpuInfo
	}{
		"nominal speed in the model": {"processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.90GHz\ncpu MHz\t\t: 3400.123\n",
			cpuInfo{"Intel(R) Xeon(R) CPU @ 2.90GHz", 2900, 3400}},
		"the fastest of several": {"model name : AMD EPYC 7B13\ncpu MHz : 2449.998\n\nmodel name : AMD EPYC 7B13\ncpu MHz : 2500.4\n",
			cpuInfo{"AMD EPYC 7B13", 0, 2500}},
		"arm tells no speed": {"processor\t: 0\nBogoMIPS\t: 243.75\n", cpuInfo{}},
		"junk":               {"::\n\x00\ncpu MHz: fast\ncpu MHz: -1\ncpu MHz: 1e300\nmodel name: @ NaNGHz\n", cpuInfo{model: "@ NaNGHz"}},
	} {
		if got := parseCPUInfo(c.text); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestSpeedIsRatherWhatStaysAsItIs(t *testing.T) {
	for _, c := range []struct {
		info      cpuInfo
		base, max int64
		want      int64
	}{
		{cpuInfo{"", 2900, 3400}, 2_800_000, 3_500_000, 2800},
		{cpuInfo{"", 2900, 3400}, 0, 3_500_000, 2900},
		{cpuInfo{"", 0, 3400}, 0, 3_500_000, 3500},
		{cpuInfo{"", 0, 3400}, 0, 0, 3400},
		{cpuInfo{}, 0, 0, fallbackMHz},
	} {
		if got := c.info.speed(c.base, c.max); got != c.want {
			t.Errorf("%+v base %d max %d: got %d, want %d", c.info, c.base, c.max, got, c.want)
		}
	}
}

func TestWhatIsReservedIsNotUsable(t *testing.T) {
	first := usableCores()[0]
	whole := Collect(t.Context(), Config{DataDir: t.TempDir(), NetworkInterface: "lo", CPUTotalMHz: 4000})
	cores := len(whole.Resources.Cpu.ReservableCpuCores)
	r := Collect(t.Context(), Config{DataDir: t.TempDir(), NetworkInterface: "lo", CPUTotalMHz: 4000,
		Reserved: structs.NodeReservedResources{Cpu: structs.NodeReservedCPU{CpuShares: 100, ReservedCpuCores: []uint16{first}}}})
	usable := max(0, 4000-100-4000/cores) // none on a machine of one core
	for attr, want := range map[string]int{"cpu.totalcompute": 4000, "cpu.usablecompute": usable, "cpu.numcores": cores, "cpu.reservablecores": cores - 1} {
		if got := r.Attributes[attr]; got != strconv.Itoa(want) {
			t.Errorf("%s is %s, want %d", attr, got, want)
		}
	}
	if r.Resources.Cpu.CpuShares != 4000 || len(r.Resources.Cpu.ReservableCpuCores) != cores {
		t.Errorf("the resources are not the whole: %+v", r.Resources.Cpu)
	}
}

func TestDefaultLinks(t *testing.T) {
	_, everywhere, _ := net.ParseCIDR("0.0.0.0/0")
	_, somewhere, _ := net.ParseCIDR("10.0.0.0/8")
	got := defaultLinks([]netlink.Route{
		{LinkIndex: 1, Dst: somewhere},
		{LinkIndex: 2, Dst: everywhere, Priority: 600},
		{LinkIndex: 3, Priority: 100},
		{MultiPath: []*netlink.NexthopInfo{{LinkIndex: 4}, {LinkIndex: 5}}, Priority: 700},
	})
	if !slices.Equal(got, []int{3, 2, 4, 5}) {
		t.Errorf("got %v", got)
	}
}

func TestAddressesThatDoNotLastAreLeftOut(t *testing.T) {
	addr := func(cidr string, flags int) netlink.Addr {
		ip, n, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		return netlink.Addr{IPNet: &net.IPNet{IP: ip, Mask: n.Mask}, Flags: flags}
	}
	got := lasting([]netlink.Addr{addr("10.1.2.3/24", 0), addr("169.254.1.1/16", 0), addr("fe80::1/64", 0), {},
		addr("2001:db8::1/64", unix.IFA_F_TEMPORARY), addr("2001:db8::2/64", unix.IFA_F_PERMANENT), addr("2001:db8::3/64", unix.IFA_F_TENTATIVE)})
	want := []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::2")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A driver that hangs does not hold up the node: it is not healthy.
func TestADriverThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResult()
		driver(stuck{fake.New(fake.NewWorld(), fake.Config{})})(t.Context(), Config{}, r)
		info := r.Drivers["fake"]
		if info == nil || info.Healthy || !strings.Contains(info.HealthDescription, "did not answer") || r.Attributes["driver.fake"] != "" {
			t.Errorf("%+v %v", info, r.Attributes)
		}
	})
}

// stuck answers when it is not asked any more.
type stuck struct{ *fake.Driver }

func (stuck) Fingerprint(ctx context.Context) drivers.Fingerprint {
	<-ctx.Done()
	return drivers.Fingerprint{Detected: true, Healthy: true}
}

func BenchmarkCollect(b *testing.B) {
	cfg := Config{DataDir: b.TempDir(), Drivers: []drivers.Driver{fake.New(fake.NewWorld(), fake.Config{})}}
	for b.Loop() {
		Collect(b.Context(), cfg)
	}
}

func TestParseMemTotal(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:       16384256 kB\nMemFree: 1 kB\n": 16384256 << 10, "MemTotal: -1 kB\n": 0, "": 0, "MemTotal: 5 MB": 0,
	} {
		if got := parseMemTotal(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestParseOSRelease(t *testing.T) {
	got := parseOSRelease("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n# ID=no\n")
	if got["ID"] != "debian" || got["VERSION_ID"] != "12" {
		t.Errorf("%v", got)
	}
}

func TestParseMountOf(t *testing.T) {
	text := "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 8:2 / /var rw shared:1 - xfs /dev/sdb1 rw\n23 21 0:5 / /variable rw - tmpfs tmp rw\n"
	for path, want := range map[string]string{"/var/lib/x": "/dev/sdb1", "/var": "/dev/sdb1", "/variable/x": "tmp", "/home": "/dev/sda1"} {
		if got := parseMountOf(text, path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

type network struct{ problems []string }

func (n network) Fingerprint(context.Context) ([]string, map[string]string) {
	return n.problems, map[string]string{"network.bridge.name": "berth"}
}

func TestThisMachineIsDescribed(t *testing.T) {
	r := Collect(t.Context(), Config{DataDir: t.TempDir(), Network: network{}, NetworkInterface: "lo",
		Drivers: []drivers.Driver{fake.New(fake.NewWorld(), fake.Config{})}})
	for _, attr := range []string{"cpu.arch", "cpu.numcores", "cpu.totalcompute", "memory.totalbytes", "kernel.name", "kernel.version", "os.signals",
		"unique.hostname", "unique.storage.bytestotal", "unique.storage.bytesfree", "unique.storage.volume", "nomad.version", "driver.fake"} {
		if r.Attributes[attr] == "" {
			t.Errorf("attribute %s is missing", attr)
		}
	}
	if r.Attributes["unique.network.ip-address"] != "127.0.0.1" {
		t.Errorf("the address of loopback is %q", r.Attributes["unique.network.ip-address"])
	}
	res := r.Resources
	if res.Cpu.CpuShares <= 0 || res.Cpu.TotalCpuCores == 0 || res.Memory.MemoryMB <= 0 || res.Disk.DiskMB <= 0 {
		t.Errorf("%+v", res)
	}
	modes := map[string]bool{}
	for _, n := range res.NodeNetworks {
		modes[n.Mode] = true
	}
	if !modes["host"] || !modes["bridge"] || !modes["none"] {
		t.Errorf("network modes: %v", modes)
	}
}

func TestAProblemTakesTheModeAway(t *testing.T) {
	r := Collect(t.Context(), Config{DataDir: t.TempDir(), Network: network{[]string{"nft is missing"}}, NetworkInterface: "none-such"})
	for _, n := range r.Resources.NodeNetworks {
		t.Errorf("mode %s is offered", n.Mode)
	}
	if len(r.Problems) != 2 {
		t.Errorf("problems: %q", r.Problems)
	}
}

func TestWhatIsConfiguredReplacesWhatIsFound(t *testing.T) {
	r := Collect(t.Context(), Config{DataDir: t.TempDir(), CPUTotalMHz: 1234, MemoryTotalMB: 77, DiskTotalMB: 5, NetworkInterface: "lo"})
	if r.Resources.Cpu.CpuShares != 1234 || r.Resources.Memory.MemoryMB != 77 || r.Resources.Disk.DiskMB > 5 {
		t.Errorf("%+v", r.Resources)
	}
}

func FuzzParsers(f *testing.F) {
	f.Add("model name : x @ 2.9GHz\nMemTotal: 5 kB\nID=\"x\"\n21 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
	f.Fuzz(func(_ *testing.T, text string) {
		parseCPUInfo(text)
		parseMemTotal(text)
		parseOSRelease(text)
		parseMountOf(text, "/var")
	})
}
