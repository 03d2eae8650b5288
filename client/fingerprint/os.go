package fingerprint

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// osSignals are the signals a task may be sent, as the contract lists them.
const osSignals = "SIGABRT,SIGALRM,SIGBUS,SIGCHLD,SIGCONT,SIGFPE,SIGHUP,SIGILL,SIGINT,SIGIO,SIGIOT,SIGKILL,SIGPIPE,SIGPROF," +
	"SIGQUIT,SIGSEGV,SIGSTOP,SIGSYS,SIGTERM,SIGTRAP,SIGTSTP,SIGTTIN,SIGTTOU,SIGURG,SIGUSR1,SIGUSR2,SIGWINCH,SIGXCPU,SIGXFSZ"

// operatingSystem finds the distribution (os-release(5)).
func operatingSystem(_ context.Context, cfg Config, r *Result) {
	r.Attributes["os.signals"] = osSignals
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		text, err := os.ReadFile(filepath.Join(cfg.Root, name))
		if err != nil {
			continue
		}
		release := parseOSRelease(string(text))
		for attr, key := range map[string]string{"os.name": "ID", "os.version": "VERSION_ID", "os.build": "BUILD_ID"} {
			if v := release[key]; v != "" {
				r.Attributes[attr] = v
			}
		}
		return
	}
}

func parseOSRelease(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(key, "#") {
			out[key] = strings.Trim(value, `"'`)
		}
	}
	return out
}
