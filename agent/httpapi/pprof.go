package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"time"
)

// Bounds of profiles that take time.
const (
	defaultProfile = time.Second
	maxProfile     = 5 * time.Minute
)

func (a *API) profileRoutes() {
	a.stream("/v1/agent/pprof/{name}", streams{http.MethodGet: agentWrite().stream(a.profile)})
}

// profile shows the inside of the process, as the tool pprof reads it.
func (a *API) profile(w http.ResponseWriter, r *request) error {
	if err := r.debug(); err != nil {
		return err
	}
	took, err := r.seconds()
	if err != nil {
		return err
	}
	switch name := r.PathValue("name"); name {
	case "cmdline":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(strings.Join(redactArgs(os.Args), "\x00"))) // the caller went away: there is nobody to tell
		return nil
	case "profile":
		return r.during(w, name, took, func(b *bytes.Buffer) (func(), error) { return pprof.StopCPUProfile, pprof.StartCPUProfile(b) })
	case "trace":
		return r.during(w, name, took, func(b *bytes.Buffer) (func(), error) { return trace.Stop, trace.Start(b) })
	default:
		return r.lookup(w, name)
	}
}

// seconds is how long to look.
func (r *request) seconds() (time.Duration, error) {
	text := r.query.Get("seconds")
	if text == "" {
		return defaultProfile, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || time.Duration(n)*time.Second > maxProfile {
		return 0, invalid("seconds=%s: use a number of 1 to %d", text, int(maxProfile.Seconds()))
	}
	return time.Duration(n) * time.Second, nil
}

// during records for a while. The process has one recorder of each kind.
func (r *request) during(w http.ResponseWriter, name string, took time.Duration, start func(*bytes.Buffer) (func(), error)) error {
	var b bytes.Buffer
	stop, err := start(&b)
	if err != nil {
		return status(http.StatusConflict, "%s cannot be recorded now: %v; try again when the other recording has ended", name, err)
	}
	timer := time.NewTimer(took)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx().Done():
	}
	stop()
	if r.ctx().Err() != nil {
		return r.ctx().Err()
	}
	sendProfile(w, name, b.Bytes())
	return nil
}

func sendProfile(w http.ResponseWriter, name string, b []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	_, _ = w.Write(b) // the caller went away: there is nobody to tell
}

// lookup writes a profile the process always has.
func (r *request) lookup(w http.ResponseWriter, name string) error {
	p := pprof.Lookup(name)
	if p == nil {
		var names []string
		for _, p := range pprof.Profiles() {
			names = append(names, p.Name())
		}
		return notFound("Pprof profile not found: %s; there are cmdline, profile, trace, %s", name, strings.Join(names, ", "))
	}
	debug, err := r.number("debug", 0)
	if err != nil {
		return err
	}
	if name == "heap" && r.flag("gc") {
		runtime.GC()
	}
	var b bytes.Buffer
	if err := p.WriteTo(&b, int(min(debug, 2))); err != nil {
		return err
	}
	if debug > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // the caller went away: there is nobody to tell
		return nil
	}
	sendProfile(w, name, b.Bytes())
	return nil
}

// redacted stands for a secret.
const redacted = "<redacted>"

// secretFlags are those of the command line that must not be shown.
var secretFlags = []string{"join-token", "encrypt", "token"}

// redactArgs is a command line without its secrets.
func redactArgs(args []string) []string {
	out := append([]string(nil), args...)
	for i, arg := range out {
		name, _, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") {
			continue
		}
		for _, s := range secretFlags {
			switch {
			case name == s && given:
				out[i] = arg[:strings.Index(arg, "=")+1] + redacted
			case name == s && i+1 < len(out):
				out[i+1] = redacted
			}
		}
	}
	return out
}
