package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"berth/server/backup"
)

func TestBackups(t *testing.T) {
	const key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	load := func(text string) (*Config, error) {
		return Load(Flags{ConfigPaths: []string{write(t, "a.hcl", full), write(t, "b.hcl", "server {\n"+text+"\n}\n")}})
	}
	for _, c := range []struct{ text, want string }{
		{`backup { directory = "/var/backups/berth/" }`, "/var/backups/berth 1h0m0s {24 0 7 4 0} 0"},
		{"backup {\n directory = \"/b\"\n every = \"15m\"\n keep {\n hourly = 2\n monthly = 12\n }\n age_recipients = [\"" + key + "\"]\n}", "/b 15m0s {0 2 0 0 12} 1"},
		{"backup {\n s3 {\n bucket = \"b\"\n prefix = \"p/\"\n endpoint = \"http://127.0.0.1:9000\"\n path_style = true\n access_key_id = \"a\"\n secret_access_key = \"s3cret\"\n }\n}",
			"s3: b/p/ at http://127.0.0.1:9000 1h0m0s {24 0 7 4 0} 0"},
	} {
		cfg, err := load(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		p := cfg.Server.Backup
		if got := fmt.Sprintf("%s %s %v %d", p.Target, p.Every, p.Keep, len(p.Recipients)); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{`backup { }`, "name one target"},
		{"backup {\n directory = \"/b\"\n s3 {\n bucket = \"b\"\n }\n}", "name one target"},
		{`backup { directory = "b" }`, `"b" is not an absolute path`},
		{"backup {\n directory = \"/b\"\n every = \"30s\"\n}", "every = 30s is too short; use at least 1m0s"},
		{"backup {\n directory = \"/b\"\n every = \"often\"\n}", "not a duration"},
		{"backup {\n directory = \"/b\"\n keep {}\n}", "keeps nothing"},
		{"backup {\n directory = \"/b\"\n keep {\n last = -1\n daily = 3\n }\n}", "keep.last = -1: use 0 to 1000"},
		{"backup {\n directory = \"/b\"\n keep {\n weekly = 1001\n }\n}", "keep.weekly = 1001: use 0 to 1000"},
		{"backup {\n directory = \"/b\"\n age_recipients = [\"x\"]\n}", `"x" is not the public key of an age key`},
		{"backup {\n s3 {}\n}", `the argument "bucket" is required`},
		{"backup {\n s3 {\n bucket = \"b\"\n access_key_id = \"a\"\n }\n}", "go together"},
		{"backup {\n s3 {\n bucket = \"b\"\n endpoint = \"x\"\n }\n}", "is not an address"},
	} {
		if _, err := load(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
	if cfg, err := load(""); err != nil || cfg.Server.Backup != nil {
		t.Errorf("without a block: %+v, %v", cfg, err)
	}
	if defaultEvery < backup.MinEvery || defaultEvery > 24*time.Hour {
		t.Error(defaultEvery)
	}
}
