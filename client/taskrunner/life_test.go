package taskrunner

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"berth/drivers/fake"
	"berth/structs"
)

// bubbled is a test inside a bubble, where nobody may ask for the deadline of the real clock.
type bubbled struct{ *testing.T }

func (bubbled) Deadline() (time.Time, bool) { return time.Time{}, false }

// TestAnyLife: whatever happens to the agent, to the machine and to the task, and whatever users ask for, a task is never
// started twice at once, ends when asked, stays dead, and leaves nothing.
func TestAnyLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(rt *rapid.T) {
			config := map[string]any{}
			if rapid.Bool().Draw(rt, "ends") {
				config[fake.KeyRunFor] = "20s"
				config[fake.KeyExitCode] = rapid.IntRange(0, 1).Draw(rt, "code")
			}
			if rapid.Bool().Draw(rt, "slow start") {
				config[fake.KeyStartDelay] = "5s"
			}
			if rapid.Bool().Draw(rt, "slow stop") {
				config[fake.KeyStopTakes] = "4s"
			}
			b := newBench(t, rapid.SampledFrom([]string{"service", "batch"}).Draw(rt, "type"), config, nil)
			b.life()
			dead := false
			for range rapid.IntRange(1, 15).Draw(rt, "steps") {
				switch rapid.SampledFrom([]string{"wait", "crash", "power loss", "restart", "kill", "signal"}).Draw(rt, "what") {
				case "crash":
					b.crash()
					time.Sleep(time.Duration(rapid.IntRange(0, 30).Draw(rt, "away")) * time.Second)
					b.life()
				case "power loss":
					b.crash()
					b.world.PowerLoss()
					b.life()
				case "restart":
					_ = b.r.Restart(RestartRequested("x")) // refused when it does not run
				case "kill":
					b.r.Kill("", rapid.Bool().Draw(rt, "hurry"))
				case "signal":
					_ = b.r.Signal(t.Context(), "SIGHUP") // ends a task that does not know it
				}
				s := b.after(time.Duration(rapid.IntRange(0, 40).Draw(rt, "seconds")) * time.Second)
				if dead && s.State != structs.TaskStateDead {
					rt.Fatal("a dead task came back")
				}
				dead = s.State == structs.TaskStateDead
				if d := b.world.Doubles(); len(d) != 0 {
					rt.Fatalf("started twice at once: %v", d)
				}
			}
			b.r.Kill("", true)
			<-b.ended
			b.cancel()
			if s := b.r.State(); s.State != structs.TaskStateDead || b.world.Tasks() != 0 {
				rt.Fatalf("state %+v, %d tasks left", s, b.world.Tasks())
			}
		})
	})
}
