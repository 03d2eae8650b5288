package network

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

func TestRequestIsJudgedWhole(t *testing.T) {
	good := Request{
		AllocID: "0f6c2a1e-9f2b-4a39-8a01-5d2f6a3f9d11", Mode: ModeBridge, Hostname: "web-1.example",
		Ports:      []Port{{Label: "a", Host: 1}, {Label: "b", HostIP: "::", Host: 65535, To: -1, Protocols: []string{"udp"}}},
		DNS:        DNS{Servers: []string{"10.0.0.1", "fd00::1"}, Searches: []string{"example.com"}, Options: []string{"ndots:2"}},
		ExtraHosts: map[string]string{"db": "10.0.0.2"},
	}
	if err := good.validate(); err != nil {
		t.Fatal(err)
	}
	bad := map[string]struct {
		change func(*Request)
		want   string
	}{
		"no id":               {func(r *Request) { r.AllocID = "" }, "allocation id"},
		"id leads elsewhere":  {func(r *Request) { r.AllocID = "../x" }, "allocation id"},
		"id is a dot name":    {func(r *Request) { r.AllocID = ".." }, "allocation id"},
		"mode":                {func(r *Request) { r.Mode = "cni/x" }, "network mode"},
		"port 0":              {func(r *Request) { r.Ports[0].Host = 0 }, "host port 0"},
		"port beyond":         {func(r *Request) { r.Ports[0].Host = 65536 }, "host port 65536"},
		"inside beyond":       {func(r *Request) { r.Ports[0].To = 70000 }, "70000"},
		"host address":        {func(r *Request) { r.Ports[0].HostIP = "eth0" }, "not an IP address"},
		"host address IPv6":   {func(r *Request) { r.Ports[0].HostIP = "fd00::1" }, "host_network"},
		"protocol":            {func(r *Request) { r.Ports[0].Protocols = []string{"sctp"} }, "sctp"},
		"hostname with line":  {func(r *Request) { r.Hostname = "a\n1.2.3.4 bank" }, "hostname"},
		"server":              {func(r *Request) { r.DNS.Servers = []string{"x"} }, "dns server"},
		"search with line":    {func(r *Request) { r.DNS.Searches = []string{"a\nnameserver 6.6.6.6"} }, "dns search"},
		"option with space":   {func(r *Request) { r.DNS.Options = []string{"a b"} }, "dns search or option"},
		"extra host's name":   {func(r *Request) { r.ExtraHosts = map[string]string{"a b": "1.2.3.4"} }, "extra host"},
		"extra host's target": {func(r *Request) { r.ExtraHosts = map[string]string{"a": "b"} }, "extra host"},
	}
	for name, c := range bad {
		r := good
		r.Ports = append([]Port(nil), good.Ports...)
		c.change(&r)
		if err := r.validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q", name, err, c.want)
		}
	}
	several := Request{AllocID: "a", Mode: "x", Hostname: "-", DNS: DNS{Servers: []string{"y"}}}
	if err := several.validate(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("error = %v, want all three faults", err)
	}
}

func TestConfigIsJudgedWhole(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(Config{StateDir: dir}); err != nil {
		t.Fatal(err)
	}
	bad := map[string]struct {
		cfg  Config
		want string
	}{
		"bridge":           {Config{Bridge: "much-too-long-name"}, "client.bridge_network_name"},
		"bridge as path":   {Config{Bridge: "../x"}, "client.bridge_network_name"},
		"IPv6":             {Config{Subnet: netip.MustParsePrefix("fd00::/64")}, "client.bridge_network_subnet"},
		"wide":             {Config{Subnet: netip.MustParsePrefix("10.0.0.0/8")}, "between /12 and /29"},
		"narrow":           {Config{Subnet: netip.MustParsePrefix("10.0.0.0/30")}, "between /12 and /29"},
		"host bits":        {Config{Subnet: netip.MustParsePrefix("10.0.0.1/24")}, "did you mean 10.0.0.0/24"},
		"table":            {Config{Table: "a; drop"}, "table name"},
		"namespace folder": {Config{NetNSDir: "netns"}, "absolute"},
		"MTU":              {Config{MTU: 100}, "MTU 100"},
		"no state folder":  {Config{StateDir: "none"}, "absolute"},
	}
	for name, c := range bad {
		if c.cfg.StateDir == "" {
			c.cfg.StateDir = filepath.Join(dir, "state")
		}
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q", name, err, c.want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"Request":{"AllocID":"a","Mode":"bridge","Ports":[{"Label":"x","Host":80}]},"IP":"172.26.64.2"}`))
	f.Add([]byte(`{"Request":{"AllocID":"a","Mode":"bridge"},"IP":"fd00::1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := decodeRecord(text, "a")
		if err != nil {
			return
		}
		// What is accepted becomes rules without trouble.
		for _, e := range r.elements("berth0") {
			if strings.ContainsAny(e.key+e.value, "\n;{}") {
				t.Errorf("element %+v could break out of its place", e)
			}
		}
	})
}
