package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.hcl")
	for _, c := range []struct {
		text string
		want func(*Limits)
		says string
	}{
		{text: ``},
		{text: `https_handshake_timeout = "3s"
 rpc_handshake_timeout = "0"`, want: func(l *Limits) { l.HTTPSHandshake, l.RPCHandshake = 3*time.Second, 0 }},
		{text: `rpc_max_conns_per_client = 20
 http_max_conns_per_client = 0`, want: func(l *Limits) { l.RPCConnsPerClient, l.MaxConnsPerClient = 20, 0 }},
		{text: `rpc_max_conns_per_client = 0`},
		{text: `rpc_max_conns_per_client = 19`, says: "limits.rpc_max_conns_per_client = 19 is too few"},
		{text: `rpc_max_conns_per_client = -1`, says: "limits.rpc_max_conns_per_client = -1 is negative"},
		{text: `http_max_conns_per_client = -1`, says: "limits.http_max_conns_per_client = -1 is negative"},
		{text: `http_max_body_bytes = 1
 http_max_image_bytes = 2`, want: func(l *Limits) { l.BodyBytes, l.ImageBytes = 1, 2 }},
		{text: `http_max_body_bytes = 0`, says: "limits.http_max_body_bytes = 0 lets nothing in"},
		{text: `http_max_image_bytes = -7`, says: "limits.http_max_image_bytes = -7 lets nothing in"},
		{text: `https_handshake_timeout = "soon"`, says: `limits.https_handshake_timeout = "soon" is not a duration`},
		{text: `rpc_handshake_timeout = "-1s"`, says: `limits.rpc_handshake_timeout = "-1s" is not a duration`},
	} {
		if err := os.WriteFile(path, []byte("data_dir = \"/d\"\nserver {\n enabled = true\n bootstrap_expect = 1\n}\nlimits {\n"+c.text+"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(Flags{ConfigPaths: []string{path}})
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %q", c.text, err, c.says)
			}
			continue
		}
		want := Default().Limits
		if c.want != nil {
			c.want(&want)
		}
		if err != nil || got.Limits != want || len(got.Warnings) > 0 {
			t.Errorf("%s: %+v, %v; want %+v", c.text, got, err, want)
		}
	}
}
