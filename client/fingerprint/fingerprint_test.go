package fingerprint

import (
	"context"
	"testing"

	"berth/drivers"
	"berth/drivers/fake"
)

func TestParseCPUInfo(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want cpuInfo
	}{
		"nominal speed in the model": {"processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.90GHz\ncpu MHz\t\t: 3400.123\n",
			cpuInfo{"Intel(R) Xeon(R) CPU @ 2.90GHz", 2900}},
		"the fastest of several": {"model name : AMD EPYC 7B13\ncpu MHz : 2449.998\n\nmodel name : AMD EPYC 7B13\ncpu MHz : 2500.4\n",
			cpuInfo{"AMD EPYC 7B13", 2500}},
		"arm tells no speed": {"processor\t: 0\nBogoMIPS\t: 243.75\n", cpuInfo{}},
		"junk":               {"::\n\x00\ncpu MHz: fast\n", cpuInfo{}},
	} {
		if got := parseCPUInfo(c.text); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
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
