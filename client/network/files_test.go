package network

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestResolvConfFor(t *testing.T) {
	lan := resolvConf{servers: []string{"10.0.0.53"}, searches: []string{"lan"}, options: []string{"edns0"}}
	stub := resolvConf{servers: []string{"127.0.0.53"}, searches: []string{"lan"}}
	cases := map[string]struct {
		req      Request
		host     resolvConf
		upstream *resolvConf
		want     resolvConf
		note     string
	}{
		"the machine's":                   {Request{Mode: ModeBridge}, lan, nil, lan, ""},
		"the job's":                       {Request{Mode: ModeBridge, DNS: DNS{Servers: []string{"1.1.1.1"}, Searches: []string{"x"}, Options: []string{"y"}}}, lan, nil, resolvConf{[]string{"1.1.1.1"}, []string{"x"}, []string{"y"}}, ""},
		"only searches of the job":        {Request{Mode: ModeBridge, DNS: DNS{Searches: []string{"x"}}}, lan, nil, resolvConf{lan.servers, []string{"x"}, lan.options}, ""},
		"stub with upstream":              {Request{Mode: ModeBridge}, stub, &lan, resolvConf{lan.servers, stub.searches, nil}, ""},
		"stub without upstream":           {Request{Mode: ModeBridge}, stub, nil, stub, "dns block"},
		"stub with looped upstream":       {Request{Mode: ModeNone}, stub, &stub, stub, "dns block"},
		"stub with the job's servers":     {Request{Mode: ModeBridge, DNS: DNS{Servers: []string{"1.1.1.1"}}}, stub, nil, resolvConf{[]string{"1.1.1.1"}, stub.searches, nil}, ""},
		"stub in the machine's namespace": {Request{Mode: ModeHost}, stub, &lan, stub, ""},
		"nothing":                         {Request{Mode: ModeBridge}, resolvConf{}, nil, resolvConf{}, ""},
	}
	for name, c := range cases {
		text, note := resolvConfFor(c.req, c.host, c.upstream)
		got, err := parseResolvConf(strings.NewReader(text))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
		if (note == "") != (c.note == "") || !strings.Contains(note, c.note) || !strings.Contains(text, note) {
			t.Errorf("%s: note %q, want %q", name, note, c.note)
		}
	}
}

func TestParseResolvConfTakesWhatTheLibraryTakes(t *testing.T) {
	got, err := parseResolvConf(strings.NewReader("# c\ndomain old\nsearch a b ; more\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver nonsense\nnameserver\noptions ndots:2 rotate\nsortlist 1.2.3.4\n"))
	want := resolvConf{servers: []string{"10.0.0.1"}, searches: []string{"a", "b"}, options: []string{"ndots:2", "rotate"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parsed %+v, %v, want %+v", got, err, want)
	}
}

func FuzzResolvConf(f *testing.F) {
	f.Add([]byte("search a b\nnameserver 127.0.0.53\noptions edns0 trust-ad\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := parseResolvConf(bytes.NewReader(text))
		if err != nil {
			return
		}
		second, err := parseResolvConf(strings.NewReader(first.render("note")))
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("written and read again: %+v, %v, want %+v", second, err, first)
		}
	})
}

func TestHostsFor(t *testing.T) {
	req := Request{Mode: ModeBridge, Hostname: "web.example", ExtraHosts: map[string]string{"zeta": "fd00::1", "db": "10.0.0.9"}}
	want := "# Written by Berth; changes are lost.\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" +
		"172.26.64.2 web.example web\n10.0.0.9 db\nfd00::1 zeta\n"
	if got := hostsFor(req, netip.MustParseAddr("172.26.64.2")); got != want {
		t.Errorf("hosts =\n%s\nwant\n%s", got, want)
	}
}

func TestFileOfARunningTaskStaysTheSameFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	if err := writeFile(path, "one"); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(path)
	if err := writeFile(path, "one"); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("the file was replaced by the same content")
	}
	if err := writeFile(path, "two"); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "two" {
		t.Errorf("content = %q", text)
	}
}
