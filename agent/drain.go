package agent

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"berth/client"
)

// Systemd gives an agent that ends stopMore from each time it asks, which it does every stopAsk.
const (
	stopAsk  = 10 * time.Second
	stopMore = "EXTEND_TIMEOUT_USEC=30000000"
)

var errToldAgain = errors.New("the agent was told to end once more")

// fate says what becomes of the tasks when the agent ends.
func (a *agent) fate() string {
	switch {
	case a.cfg.Dev:
		return "are ended"
	case a.drains():
		return "leave before"
	}
	return "go on"
}

// drains reports that the node's work leaves before the agent ends.
func (a *agent) drains() bool { return a.client != nil && a.cfg.Client.Drain != nil && !a.cfg.Dev }

// drainNode has the node's work leave before the agent ends, where the configuration says so. It returns when it has left, when that may not
// take longer, when the agent is told to end again, or when a part of it failed.
func (a *agent) drainNode(failed <-chan struct{}) {
	if !a.drains() {
		return
	}
	d := a.cfg.Client.Drain
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	ended := make(chan error, 1)
	go func() {
		ended <- a.client.Drain(ctx, client.DrainSpec{Deadline: d.Deadline, Force: d.Force, IgnoreSystemJobs: d.IgnoreSystemJobs})
	}()
	a.log.Info("the node is drained before the agent ends; a second signal ends it at once", "deadline", d.Deadline, "force", d.Force)
	more := time.NewTicker(stopAsk)
	defer more.Stop()
	for {
		_, _ = sd.SdNotify(false, stopMore) // without systemd there is nobody to ask
		select {
		case err := <-ended:
			if err != nil {
				a.log.Warn("the node is not drained: what is left of its work runs on without the agent", "reason", err)
			} else {
				a.log.Info("the node is drained")
			}
			return
		case <-again:
			cancel(errToldAgain)
		case <-failed:
			cancel(errors.New("a part of the agent failed"))
			failed = nil
		case <-more.C:
		}
	}
}
