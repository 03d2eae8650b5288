package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/api"
)

// LogOptions are how a follower of the agent's log wants its lines.
type LogOptions struct {
	Level    hclog.Level
	JSON     bool
	Location bool // each line tells where in the program it comes from
}

// heartbeat is how often a silent stream shows that it lives.
const heartbeat = 10 * time.Second

// agentMonitor streams the agent's log as it is written.
func (a *API) agentMonitor(w http.ResponseWriter, r *request) error {
	if err := r.mine(); err != nil {
		return err
	}
	o := LogOptions{Level: hclog.Info, JSON: r.flag("log_json"), Location: r.flag("log_include_location")}
	if text := r.query.Get("log_level"); text != "" {
		if o.Level = hclog.LevelFromString(text); o.Level == hclog.NoLevel {
			return invalid("Unknown log level: %s", text)
		}
	}
	lines, stop := a.Logs(o)
	defer stop()
	plain := r.flag("plain")
	if plain {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		w.Header().Set("Content-Type", "application/json")
	}
	flusher := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	if err := flusher.Flush(); err != nil {
		return nil
	}
	enc := json.NewEncoder(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.ctx().Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			if plain {
				if _, err := w.Write(line); err != nil {
					return nil
				}
			} else if err := enc.Encode(api.StreamFrame{Data: line}); err != nil {
				return nil
			}
		case <-beat.C:
			if !plain {
				if err := enc.Encode(struct{}{}); err != nil {
					return nil
				}
			}
		}
		if err := flusher.Flush(); err != nil {
			return nil
		}
	}
}
