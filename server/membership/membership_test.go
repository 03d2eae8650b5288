package membership

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/structs"
)

// machine is a member of a test, on a loopback address of its own.
type machine struct {
	*Membership
	addr string
	stop func()
}

// addrOf gives the test's process addresses no other one uses.
func addrOf(n int) string {
	return fmt.Sprintf("127.%d.%d.%d", 20+os.Getpid()%200, os.Getpid()/200%250, n)
}

func run(t *testing.T, n int, change func(*Config)) *machine {
	t.Helper()
	cfg := Config{Name: fmt.Sprintf("s%d", n), Region: "global", Datacenter: "dc1", ID: func() structs.ID { return structs.ID{15: byte(n)} },
		RPCAddr: fmt.Sprintf("10.0.0.%d:4647", n), BindAddr: addrOf(n), AdvertiseAddr: addrOf(n), Expect: 3, RetryInterval: 50 * time.Millisecond,
		Logger: hclog.NewNullLogger()}
	if change != nil {
		change(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	ended := false
	x := &machine{Membership: m, addr: cfg.BindAddr}
	x.stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	t.Cleanup(x.stop)
	select {
	case <-m.begun:
	case err := <-done:
		ended = true
		cancel()
		t.Fatal(err)
	}
	return x
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func statuses(m *machine) string {
	var b strings.Builder
	for _, x := range m.Members() {
		fmt.Fprintf(&b, "%s=%s ", x.Name, x.Status)
	}
	return strings.TrimSpace(b.String())
}

func TestMembersFindEachOtherAndTellWhoLeft(t *testing.T) {
	t.Parallel() // mostly it waits until a member is taken for failed
	one := run(t, 1, nil)
	two := run(t, 2, func(c *Config) { c.RetryJoin = []string{addrOf(9), one.addr} })
	three := run(t, 3, func(c *Config) { c.RetryJoin, c.NonVoter = []string{one.addr}, true })
	waitFor(t, "all know all", func() bool {
		return len(one.Members()) == 3 && len(two.Members()) == 3 && len(three.Members()) == 3
	})
	got := two.Members()[2]
	if got.Name != "s3.global" || got.ID != (structs.ID{15: 3}) || got.Region != "global" || got.Datacenter != "dc1" || got.RPCAddr != "10.0.0.3:4647" ||
		got.Addr != three.addr || got.Port != DefaultPort || !got.NonVoter || got.Formed || got.Expect != 3 {
		t.Errorf("%+v", got)
	}
	if addr, ok := one.Resolve(structs.ID{15: 2}); !ok || addr != "10.0.0.2:4647" {
		t.Errorf("resolved %q, %v", addr, ok)
	}
	if _, ok := one.Resolve(structs.ID{15: 7}); ok {
		t.Error("an unknown server has an address")
	}
	if err := two.SetFormed(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the others hear that it has a cluster", func() bool { return one.Members()[1].Formed && three.Members()[1].Formed })
	if err := three.Leave(); err != nil {
		t.Fatal(err)
	}
	three.stop()
	waitFor(t, "it left", func() bool { return statuses(one) == "s1.global=alive s2.global=alive s3.global=left" })
	two.stop()
	waitFor(t, "it failed", func() bool { return strings.Contains(statuses(one), "s2.global=failed") })
	if err := one.ForceLeave("s2.global", false); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it is made to leave", func() bool { return strings.Contains(statuses(one), "s2.global=left") })
}

func TestAMemberThatRestartsFindsTheOthersAgain(t *testing.T) {
	dir := t.TempDir()
	one := run(t, 1, nil)
	two := run(t, 2, func(c *Config) { c.Dir = dir; c.RetryJoin = []string{one.addr} })
	waitFor(t, "both know both", func() bool { return len(one.Members()) == 2 && len(two.Members()) == 2 })
	two.stop()
	two = run(t, 2, func(c *Config) { c.Dir = dir }) // and nobody to join
	waitFor(t, "it is back", func() bool {
		return statuses(two) == "s1.global=alive s2.global=alive" && statuses(one) == "s1.global=alive s2.global=alive"
	})
}

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func TestGossipIsEncryptedAndItsKeysRotate(t *testing.T) {
	dir := t.TempDir()
	with := func(k []byte, dir string, join ...string) func(*Config) {
		return func(c *Config) { c.Key, c.RetryJoin, c.Dir = k, join, dir }
	}
	one := run(t, 1, with(key(1), dir))
	two := run(t, 2, with(key(1), "", one.addr))
	stranger := run(t, 3, with(key(2), ""))
	open := run(t, 4, nil)
	waitFor(t, "both know both", func() bool { return len(one.Members()) == 2 && len(two.Members()) == 2 })
	for name, m := range map[string]*machine{"another key": stranger, "no key": open} {
		if n, err := m.Join([]string{one.addr}); n != 0 || err == nil {
			t.Errorf("%s: joined %d, %v", name, n, err)
		}
	}
	next := base64.StdEncoding.EncodeToString(key(5))
	old := base64.StdEncoding.EncodeToString(key(1))
	// Members that a slow machine lets answer too late are asked again.
	waitFor(t, "the key is installed", func() bool { _, err := one.InstallKey(next); return err == nil })
	waitFor(t, "the key is used", func() bool { _, err := one.UseKey(next); return err == nil })
	waitFor(t, "the old key is removed", func() bool { _, err := two.RemoveKey(old); return err == nil })
	waitFor(t, "both have the new key alone", func() bool {
		keys, err := two.ListKeys()
		return err == nil && len(keys.Keys) == 1 && keys.Keys[next] == 2 && keys.PrimaryKeys[next] == 2 && keys.NumNodes == 2
	})
	if _, err := one.RemoveKey(next); err == nil {
		t.Error("the key in use was removed")
	}
	// The rotated key outlives the configured one.
	one.stop()
	one = run(t, 1, with(key(1), dir, two.addr))
	waitFor(t, "it is back with the new key", func() bool { return statuses(two) == "s1.global=alive s2.global=alive" && len(one.Members()) == 2 })
	if _, err := open.ListKeys(); structs.KindOf(err) != structs.KindInvalid {
		t.Errorf("keys of gossip in clear: %v", err)
	}
}

func TestBadInputIsNamed(t *testing.T) {
	base := Config{Name: "s1", Region: "global", ID: func() structs.ID { return structs.ID{15: 1} }, Logger: hclog.NewNullLogger(), BindAddr: addrOf(1)}
	short := base
	short.Key = []byte("short")
	if _, err := New(short); err == nil || !strings.Contains(err.Error(), "16, 24 or 32") {
		t.Errorf("short key: %v", err)
	}
	dir := t.TempDir()
	for _, text := range []string{"", "{", "[]", `["x"]`, `["AAAA"]`} {
		if err := os.WriteFile(filepath.Join(dir, keyringFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		bad := base
		bad.Dir = dir
		if _, err := New(bad); err == nil || !strings.Contains(err.Error(), keyringFile) {
			t.Errorf("%q: %v", text, err)
		}
	}
	one := run(t, 1, nil)
	twice, err := New(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := twice.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "gossip cannot listen on "+one.addr) {
		t.Errorf("a port in use: %v", err)
	}
	if _, err := twice.Join([]string{"127.0.0.1"}); structs.KindOf(err) != structs.KindUnavailable {
		t.Errorf("join before it runs: %v", err)
	}
}
