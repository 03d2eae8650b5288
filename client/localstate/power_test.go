package localstate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"berth/internal/idgen"
	"berth/internal/powerloss"
	"berth/structs"
)

// keeperEnv makes the test's program keep a state in a directory until it is killed.
const keeperEnv = "LOCALSTATE_KEEPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(keeperEnv); dir != "" {
		fmt.Fprintln(os.Stderr, keep(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// kept is what the state holds, as far as it was told: an identity, an allocation whose task has come to a step, and one for every tenth step.
type kept struct {
	ID    structs.ID
	Step  int
	Whole bool // all allocations up to the step are there
}

// keep says what is there, then goes on and says each step that was stored.
func keep(dir string) error {
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	id, _, err := s.Identity(idgen.Random().NewID)
	if err != nil {
		return err
	}
	all, err := s.Restore()
	if err != nil {
		return err
	}
	now, most := kept{ID: id, Whole: true}, 0
	for _, a := range all {
		if a.Alloc.Job == nil {
			return fmt.Errorf("%v has no job", a.Alloc.ID)
		}
		most = max(most, int(a.Alloc.ID[15])<<8|int(a.Alloc.ID[14]))
		if text, ok := a.Tasks["step"]; ok {
			if err := json.Unmarshal(text, &now.Step); err != nil {
				return err
			}
		}
	}
	now.Whole = len(all) == 0 || most >= now.Step/10 && len(all) == most+1
	for ; ; now.Step++ {
		n := now.Step / 10
		a := allocation(byte(n>>8), uint64(n))
		a.ID[14], a.ID[15] = byte(n), byte(n>>8)
		if now.Step%10 == 0 {
			if err := s.PutAlloc(a); err != nil {
				return err
			}
		}
		first := structs.ID{0: 1}
		if err := s.PutTask(first, "step", now.Step); err != nil {
			return err
		}
		line, err := json.Marshal(now)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
		now.Whole = true
	}
}

// The power of a node is cut at any moment, its first start among them: who it is, its allocations and how far their tasks have come are there as
// far as they were stored.
func TestTheStateKeepsWhatItStored(t *testing.T) {
	d, dir := powerloss.ForTest(t)
	var last kept
	for seed := range uint64(12) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), keeperEnv+"="+filepath.Join(dir, "client", "state"))
		var complaints strings.Builder
		cmd.Stderr = &complaints
		r := rand.New(rand.NewPCG(seed, 1))
		step := 1 + r.Int64N(40) // of its first start
		if seed > 5 {
			step = 30 + r.Int64N(300)
		}
		first, before := true, last
		err := d.Life(cmd, step, seed, func(line string) {
			var now kept
			if err := json.Unmarshal([]byte(line), &now); err != nil {
				t.Error(err)
			}
			if first && (!now.Whole || now.Step < before.Step || now.Step > before.Step+1 || !before.ID.IsZero() && now.ID != before.ID) {
				t.Errorf("seed %d: it has %s, and %+v was stored", seed, line, before)
			}
			first, last = false, now
		})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, complaints.String())
		}
	}
	if last.Step < 50 {
		t.Errorf("only %d steps were stored", last.Step)
	}
}
