package client

import (
	"context"
	"math/rand/v2"
	"time"

	"berth/structs"
)

// heartbeatRetryMax is the longest pause after a heartbeat that was not answered.
const heartbeatRetryMax = 3 * time.Second

// stayRegistered registers the node and keeps it known: heartbeats within the time the servers gave, and a new registration
// when they have forgotten it or the machine has changed.
func (c *Client) stayRegistered(ctx context.Context) error {
	registered, back, failures := false, false, 0
	for {
		ttl, err := c.speak(ctx, registered)
		wait := time.Duration(0)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if failures > 0 {
				c.log.Info("servers answer again")
			}
			if failures > 0 || !registered || c.silence(time.Now()) > ttl {
				c.reportAgain()
			}
			registered, failures = true, 0
			if !back && !c.leaving.Load() {
				back = c.sayBack(ctx)
			}
			c.hear(time.Now())
			c.readyOnce.Do(func() { close(c.ready) })
			wait = beatAfter(ttl)
		case registered && structs.KindOf(err) == structs.KindNotFound:
			registered = false
			c.log.Warn("servers do not know this node any more: it registers again")
			continue
		default:
			failures++
			wait = min(backoff(failures), heartbeatRetryMax)
			if failures == 1 || failures%20 == 0 {
				c.log.Warn("servers do not answer", "error", err, "failures", failures)
			}
			c.stopCutOff(time.Now())
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-c.reregister:
			registered = false
		}
		timer.Stop()
	}
}

// beatAfter is when to speak next within a time to live: early enough for one more try.
func beatAfter(ttl time.Duration) time.Duration {
	if ttl <= 0 {
		ttl = 10 * time.Second
	}
	return ttl*6/10 + rand.N(ttl/5)
}

// speak registers or sends a heartbeat.
func (c *Client) speak(ctx context.Context, registered bool) (time.Duration, error) {
	if !registered {
		resp, err := c.servers.Register(ctx, &structs.NodeRegisterRequest{Node: c.Node()})
		if err != nil {
			return 0, err
		}
		return resp.HeartbeatTTL, nil
	}
	resp, err := c.servers.Heartbeat(ctx, &structs.NodeHeartbeatRequest{NodeID: c.id, SecretID: c.secret, Status: structs.NodeStatusReady})
	if err != nil {
		return 0, err
	}
	return resp.HeartbeatTTL, nil
}
