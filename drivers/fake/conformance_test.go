package fake_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"berth/drivers"
	"berth/drivers/drivertest"
	"berth/drivers/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	worlds := map[drivers.Driver]*fake.World{}
	life := func(w *fake.World) drivers.Driver {
		d := fake.New(w, fake.Config{Owner: drivertest.Owner})
		worlds[d] = w
		return d
	}
	drivertest.Conformance(t, drivertest.Harness{
		New: func(*testing.T) drivers.Driver { return life(fake.NewWorld()) },
		Restart: func(_ *testing.T, old drivers.Driver, while func()) drivers.Driver {
			if while != nil {
				while()
			}
			return life(worlds[old])
		},
		Configure: func(_ *testing.T, cfg *drivers.TaskConfig, b drivertest.Behaviour) {
			cfg.Config = map[string]any{
				fake.KeyStdout: b.Stdout, fake.KeyStderr: b.Stderr, fake.KeyExitCode: b.ExitCode, fake.KeyEndWhen: b.EndWhen,
				fake.KeyIgnoreTerm: b.IgnoreTerm, fake.KeyOnHUP: b.OnHUP,
				fake.KeyExec: []any{map[string]any{"command": "exit7", "stdout": "out\n", "stderr": "err\n", "exit_code": 7}},
			}
			if !b.Forever {
				cfg.Config[fake.KeyRunFor] = "0s"
			}
		},
		Command: func(_ *testing.T, e drivertest.Exec) []string {
			return map[drivertest.Exec][]string{
				drivertest.ExecCat: {fake.CommandCat}, drivertest.ExecExit7: {"exit7"}, drivertest.ExecIsTTY: {fake.CommandTTY},
				drivertest.ExecForever: {fake.CommandForever}, drivertest.ExecEnv: {fake.CommandGetenv, "CONFORMANCE"},
			}[e]
		},
		Patience: 5 * time.Second,
	})
}

func TestScriptsObeyTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := fake.New(fake.NewWorld(), fake.Config{})
		began := time.Now()
		start := func(id string, config map[string]any) error {
			_, err := d.Start(t.Context(), &drivers.TaskConfig{ID: id, AllocID: "a", Task: id, Config: config})
			return err
		}
		if err := start("t", map[string]any{fake.KeyStartDelay: "2s", fake.KeyRunFor: "1h", fake.KeyExitCode: 3, fake.KeyOOM: true}); err != nil {
			t.Fatal(err)
		}
		r, err := d.Wait(t.Context(), "t")
		if err != nil || r.ExitCode != 3 || !r.OOMKilled || time.Since(began) != time.Hour+2*time.Second {
			t.Errorf("%+v, %v after %v", r, err, time.Since(began))
		}
		if err := start("slow", map[string]any{fake.KeyStopTakes: "3s", fake.KeyStopCode: 0}); err != nil {
			t.Fatal(err)
		}
		for _, timeout := range []time.Duration{5 * time.Second, 5 * time.Second} {
			if err := d.Stop(t.Context(), "slow", "", timeout); err != nil {
				t.Error(err)
			}
		}
		if r, _ := d.Wait(t.Context(), "slow"); !r.Successful() || time.Since(began) != time.Hour+5*time.Second {
			t.Errorf("%+v after %v", r, time.Since(began))
		}
		if err := start("bad", map[string]any{"run_fro": "1s", fake.KeyExitCode: 1.5}); err == nil {
			t.Error("a bad config was accepted")
		}
	})
}

func TestWorldSeesTwoAtOnce(t *testing.T) {
	w := fake.NewWorld()
	d := fake.New(w, fake.Config{})
	for _, id := range []string{"1", "2"} {
		if _, err := d.Start(context.Background(), &drivers.TaskConfig{ID: id, AllocID: "a", Task: "t"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Doubles(); len(got) != 1 || w.Starts("a", "t") != 2 || w.Running() != 2 {
		t.Errorf("doubles %v, starts %d, running %d", got, w.Starts("a", "t"), w.Running())
	}
	w.PowerLoss()
	if _, err := d.Inspect(context.Background(), "1"); err != nil || w.Tasks() != 0 {
		t.Errorf("after power loss: %v, %d tasks", err, w.Tasks())
	}
}
