package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// said is what a test ended with, by its name: its logs come behind, and whoever reads only the end of a long output needs the sentence there.
var said sync.Map

// fatalf ends a test with a sentence, which says where in the test it was.
func fatalf(t *testing.T, format string, args ...any) {
	t.Helper()
	text := place(t.Name()) + fmt.Sprintf(format, args...)
	said.Store(t.Name(), text)
	t.Fatal(text)
}

// saidLast repeats what a test ended with.
func saidLast(t *testing.T) {
	if text, ok := said.LoadAndDelete(t.Name()); ok {
		t.Logf("it ended with:\n%s", text)
	}
}

// place is the line of the test that is at work: helpers are called from many.
func place(test string) string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	name, _, _ := strings.Cut(test, "/")
	for {
		f, more := frames.Next()
		if strings.Contains(f.Function+".", "."+name+".") {
			return fmt.Sprintf("%s:%d: ", filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// Fatalf ends the test, and says it again behind the logs.
func (r *rig) Fatalf(format string, args ...any) { r.Helper(); fatalf(r.T, format, args...) }

// Fatal ends the test, and says it again behind the logs.
func (r *rig) Fatal(args ...any) { r.Helper(); fatalf(r.T, "%s", fmt.Sprint(args...)) }

// Fatalf ends the test, and says it again behind the logs.
func (w *town) Fatalf(format string, args ...any) { w.Helper(); fatalf(w.T, format, args...) }

// Fatal ends the test, and says it again behind the logs.
func (w *town) Fatal(args ...any) { w.Helper(); fatalf(w.T, "%s", fmt.Sprint(args...)) }

// stateTimeout bounds one question to a machine whose test has failed.
const stateTimeout = 2 * time.Second

// state is what each machine says of the cluster, one line for each question: for a test that failed, whose time may be over.
func (w *town) state() string {
	var b strings.Builder
	for i, a := range w.agents {
		switch {
		case a == nil:
			fmt.Fprintf(&b, "m%d never ran\n", i+1)
			continue
		case !a.Running():
			fmt.Fprintf(&b, "m%d does not run: %v\n", i+1, a.Exit())
			continue
		}
		for _, path := range []string{"/v1/status/leader", "/v1/operator/raft/configuration?stale", "/v1/operator/autopilot/health", "/v1/agent/members"} {
			ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
			var text string
			if err := a.API.Get(ctx, path, &text); err != nil {
				text = err.Error()
			}
			cancel()
			fmt.Fprintf(&b, "m%d %s: %.900s\n", i+1, path, strings.Join(strings.Fields(text), " "))
		}
	}
	return b.String()
}
