package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheAuthoritativeRegion(t *testing.T) {
	const token = `acl {
  enabled = true
  replication_token = "70f28d27-e2f4-4ff1-b5a6-2ec5d1b5d4a1"
}
`
	west := func(authority, rest string) string {
		text := "region = \"west\"\ndata_dir = \"/var/lib/x\"\nserver {\n  enabled = true\n"
		if authority != "" {
			text += "  authoritative_region = \"" + authority + "\"\n"
		}
		return text + "}\n" + rest
	}
	for name, c := range map[string]struct {
		text, authority string
		follows         bool
		warns           string // "" for nothing
	}{
		"none is named":               {west("", ""), "west", false, ""},
		"none is named, with a token": {west("", token), "west", false, "acl.replication_token has no effect: this region is the authoritative one"},
		"its own":                     {west("west", "acl { enabled = true }\n"), "west", false, ""},
		"another":                     {west("east", token), "east", true, ""},
		"another, without a token":    {west("east", "acl { enabled = true }\n"), "east", true, `nothing is taken over from that region until acl { replication_token } is set`},
		"without access control":      {west("east", ""), "west", false, "server.authoritative_region has no effect while access control is off"},
		"on a client": {"data_dir = \"/var/lib/x\"\nregion = \"west\"\nserver {\n  authoritative_region = \"east\"\n}\nclient {\n  enabled = true\n  servers = [\"10.0.0.1\"]\n}\n" + token,
			"west", false, ""},
	} {
		file := filepath.Join(t.TempDir(), "a.hcl")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(Flags{ConfigPaths: []string{file}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		warns := strings.Join(got.Warnings, "\n")
		if got.Authority() != c.authority || got.Follows() != c.follows || (c.warns == "") != (warns == "") || !strings.Contains(warns, c.warns) {
			t.Errorf("%s: %q %v, warns %q", name, got.Authority(), got.Follows(), warns)
		}
	}
	for text, want := range map[string]string{
		west("no region", ""): `server.authoritative_region: region "no region": a region's name is`,
		west("east", "acl {\n  replication_token = \"hunter2\"\n}\n"): "acl.replication_token is not the secret of a token",
	} {
		file := filepath.Join(t.TempDir(), "a.hcl")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(Flags{ConfigPaths: []string{file}}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.hcl") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
