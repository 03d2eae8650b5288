package httpapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLogFileIsExported(t *testing.T) {
	r := newRig(t)
	const path = "/v1/agent/monitor/export?"
	if got := r.do("GET", path+"on_disk=true", nil); got.status != 400 || !strings.Contains(got.body, "set log_file") {
		t.Error(got)
	}
	r.api.Config.LogFile = filepath.Join(t.TempDir(), "berth.log")
	if got := r.do("GET", path+"on_disk=true", nil); got.status != 500 || !strings.Contains(got.body, "read log_file") {
		t.Error(got)
	}
	text := strings.Repeat("a line of the log\n", 20_000)
	if err := os.WriteFile(r.api.Config.LogFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := r.do("GET", path+"on_disk=true&plain=true", nil); got.status != 200 || got.body != text {
		t.Errorf("%d with %d bytes, not %d", got.status, len(got.body), len(text))
	}
	if got := r.do("GET", path+"on_disk=true", nil); !strings.HasPrefix(got.body, `{"Data":"YSBsaW5l`) {
		t.Errorf("%.100s", got.body)
	}
	for query, want := range map[string]string{"": "on_disk=true", "service_name=berth": "journalctl -u berth", "on_disk=true&logs_since=1h": "of journals"} {
		if got := r.do("GET", path+query, nil); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %+v", query, got)
		}
	}
}

// TestALogFileIsFollowed over what is added, a file in its place, and a cut.
func TestALogFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "berth.log")
		add := func(text string) {
			f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(f, text)
			f.Close()
			<-time.After(3 * exportLook)
		}
		add("1 ")
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var got strings.Builder
		done := make(chan error, 1)
		go func() {
			done <- exportFile(ctx, file, name, true, func(p []byte) error {
				mu.Lock()
				defer mu.Unlock()
				got.Write(p)
				return nil
			})
		}()
		add("2 ")
		add("3 ")
		if err := os.Rename(name, name+".1"); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * exportLook)
		add("4 ")
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * exportLook)
		add("5 ")
		cancel()
		if err := <-done; err != nil || got.String() != "1 2 3 4 5 " {
			t.Errorf("%q, %v", got.String(), err)
		}
	})
}
