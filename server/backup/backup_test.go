package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"berth/server/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server that may lead, and counts what is saved.
type rig struct {
	saver *Saver
	leads atomic.Bool
	saved int
	fail  error
	large int // bytes of each archive beside its number
}

func (r *rig) IsLeader() bool            { return r.leads.Load() }
func (r *rig) Region() string            { return "global" }
func (r *rig) Archive() (Archive, error) { r.saved++; return &made{r, r.saved}, nil }

type made struct {
	r      *rig
	number int
}

func (m *made) Copy(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "state %d%s", m.number, strings.Repeat(".", m.r.large)); err != nil {
		return err
	}
	return m.r.fail
}

func (m *made) Close() error { return nil }

func newRig(target Target, plan Plan) *rig {
	r := &rig{}
	r.leads.Store(true)
	plan.Target = target
	if plan.Every == 0 {
		plan.Every = time.Hour
	}
	r.saver = New(plan, r, hclog.NewNullLogger())
	return r
}

// run runs a saver for a while.
func (r *rig) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := r.saver.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		out = append(out, f.Name())
	}
	return strings.Join(out, " ")
}

func put(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The bubble begins at midnight of 1 January 2000, UTC.
func TestOneSnapshotForEachSlotWhoeverLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "made")
		a, b := newRig(Directory{dir}, Plan{Keep: Keep{Last: 3}}), newRig(Directory{dir}, Plan{Keep: Keep{Last: 3}})
		<-time.After(10 * time.Minute)
		a.run(t, 5*time.Minute) // 00:10: that of 00:00
		b.run(t, 5*time.Minute) // the same slot: nothing
		a.run(t, 5*time.Minute)
		if a.saved != 1 || b.saved != 0 {
			t.Fatalf("saved %d and %d", a.saved, b.saved)
		}
		<-time.After(50 * time.Minute) // nobody leads from 00:25 to 01:15
		b.run(t, time.Minute)          // at once: that of 01:00
		if b.saved != 1 {
			t.Fatalf("what was missed is not made up for: %d", b.saved)
		}
		for range 60 { // a leader a minute
			a.run(t, time.Minute)
		}
		if a.saved+b.saved != 3 {
			t.Errorf("%d snapshots in three slots", a.saved+b.saved)
		}
		b.run(t, 5*time.Hour)
		want := "berth-global-20000101T050000Z.snap berth-global-20000101T060000Z.snap berth-global-20000101T070000Z.snap"
		if got := names(t, dir); got != want {
			t.Errorf("stored %s, want %s", got, want)
		}
		st := b.saver.Status()
		newest, _ := st.Newest()
		if !st.Leads || len(st.Stored) != 3 || st.LastError != "" || !st.Next.Equal(time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC)) || newest.Size == 0 || newest.Taken.Hour() != 7 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAServerThatDoesNotLeadTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "made")
		r := newRig(Directory{dir}, Plan{})
		r.leads.Store(false)
		r.run(t, 5*time.Hour)
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || r.saved != 0 {
			t.Errorf("saved %d, %v", r.saved, err)
		}
		done := make(chan struct{})
		go func() { defer close(done); r.run(t, time.Minute) }()
		<-time.After(10 * time.Second)
		r.leads.Store(true)
		<-done
		if r.saved != 1 || !r.saver.Status().Leads {
			t.Errorf("elected, it saved %d", r.saved)
		}
		r.leads.Store(false)
		r.run(t, time.Minute)
		if st := r.saver.Status(); st.Leads || st.Stored != nil || !st.Next.IsZero() {
			t.Errorf("it shows what is another's now: %+v", st)
		}
	})
}

func TestAFaultIsToldTriedAgainAndRemovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{"berth-global-19991230T000000Z.snap", "berth-global-19991231T000000Z.snap.age", "berth-other-19991231T000000Z.snap", "notes.txt",
			"berth-global-19991231T210000Z.snap.1" + partial, "berth-global-19991231T230000Z.snap.1" + partial, "berth-other-19991231T210000Z.snap.1" + partial} {
			put(t, dir, name)
		}
		before := "berth-global-19991230T000000Z.snap berth-global-19991231T000000Z.snap.age berth-global-19991231T230000Z.snap.1.part " +
			"berth-other-19991231T000000Z.snap berth-other-19991231T210000Z.snap.1.part notes.txt"
		r := newRig(Directory{dir}, Plan{Keep: Keep{Last: 3}})
		r.fail = errors.New("no space left on device")
		r.run(t, 2*time.Minute)
		st := r.saver.Status()
		if st.Failures != 4 || !strings.Contains(st.LastError, "save berth-global-20000101T000110Z.snap: no space left") || len(st.Stored) != 2 || !st.Next.Equal(time.Date(2000, 1, 1, 0, 2, 30, 0, time.UTC)) {
			t.Errorf("%+v", st) // at 0, 10, 30 and 70 s
		}
		// Of what was half written only that of hours ago is gone, and only this region's.
		if got := names(t, dir); got != before {
			t.Errorf("it left, or removed: %s", got)
		}
		r.fail = nil
		r.run(t, 15*time.Minute)
		if st = r.saver.Status(); st.Failures != 0 || st.LastError != "" {
			t.Errorf("%+v, saved %d", st, r.saved)
		}
		r.run(t, time.Hour)
		// The oldest of this region is gone, what is not ours stays.
		want := "berth-global-19991231T000000Z.snap.age berth-global-20000101T000200Z.snap berth-global-20000101T010000Z.snap " +
			"berth-other-19991231T000000Z.snap berth-other-19991231T210000Z.snap.1.part notes.txt"
		if got := names(t, dir); got != want {
			t.Errorf("stored\n%s, want\n%s", got, want)
		}
		gone := newRig(Directory{filepath.Join(dir, "notes.txt")}, Plan{})
		gone.run(t, time.Second)
		if st := gone.saver.Status(); !strings.Contains(st.LastError, "notes.txt") {
			t.Errorf("%+v", st)
		}
	})
}

// A clock that was a year ahead must not keep the next year without snapshots.
func TestASnapshotOfTheFutureHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "berth-global-20010101T000000Z.snap")
		r := newRig(Directory{dir}, Plan{Keep: Keep{Last: 1}})
		r.run(t, 150*time.Minute)
		want := "berth-global-20000101T020000Z.snap berth-global-20010101T000000Z.snap"
		if got := names(t, dir); got != want || r.saved != 3 {
			t.Errorf("stored %s, saved %d", got, r.saved)
		}
	})
}

// liar stores something else than it was given.
type liar struct {
	Directory
	lies int
}

func (l *liar) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if l.lies--; l.lies >= 0 {
		return io.NopCloser(strings.NewReader("state of a disk that lies")), nil
	}
	return l.Directory.Open(ctx, name)
}

func TestWhatWasStoredIsReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "berth-global-19991231T230000Z.snap")
		r := newRig(&liar{Directory{dir}, 1}, Plan{Keep: Keep{Last: 1}})
		r.run(t, 9*time.Second)
		st := r.saver.Status()
		if !strings.Contains(st.LastError, "check berth-global-20000101T000000Z.snap after it was written: it is not what was written: 25 bytes") || st.Failures != 1 {
			t.Errorf("%+v", st)
		}
		if got := names(t, dir); got != "berth-global-19991231T230000Z.snap" {
			t.Errorf("stored %s", got)
		}
		r.run(t, time.Minute)
		if got := names(t, dir); got != "berth-global-20000101T000009Z.snap" {
			t.Errorf("stored %s", got)
		}
	})
}

func TestOnlyTheHolderOfTheKeyReadsASnapshot(t *testing.T) {
	dir := t.TempDir()
	const identity, recipient = "AGE-SECRET-KEY-1NDEFXSGXSUS2D7344LLJMSURHYY7T32VFKQGQTEXCJ9Z4F8ESEMQ7R8FTQ", "age1c8dr578y9eg8le5r090s0wemv35ptrthf68lq3vdcavw8jz9td6sjvncrw"
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(identity), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := archive.ParseRecipients([]string{recipient})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(Directory{dir}, Plan{Recipients: to})
	if _, err := r.saver.once(t.Context()); err != nil {
		t.Fatal(err)
	}
	newest, _ := r.saver.Status().Newest()
	text, err := os.ReadFile(filepath.Join(dir, newest.Name))
	if err != nil || !strings.HasSuffix(newest.Name, ".snap.age") || strings.Contains(string(text), "state 1") || newest.Size != int64(len(text)) {
		t.Fatalf("%s, %v:\n%q", newest.Name, err, text)
	}
	plain, err := archive.Decrypt(strings.NewReader(string(text)), key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(plain); err != nil || string(got) != "state 1" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAFullOrReadOnlyDiskLeavesNothing uses a small file system of its own.
func TestAFullOrReadOnlyDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	put(t, dir, "berth-global-19991231T230000Z.snap")
	r := newRig(Directory{dir}, Plan{Keep: Keep{Last: 1}})
	r.large = 2 << 20
	_, err := r.saver.once(t.Context())
	if !errors.Is(err, unix.ENOSPC) || names(t, dir) != "berth-global-19991231T230000Z.snap" {
		t.Errorf("full: %v, stored %s", err, names(t, dir))
	}
	r.large = 0
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err = r.saver.once(t.Context()); !errors.Is(err, unix.EROFS) || names(t, dir) != "berth-global-19991231T230000Z.snap" {
		t.Errorf("read only: %v, stored %s", err, names(t, dir))
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if _, err = r.saver.once(t.Context()); err != nil || strings.Contains(names(t, dir), "1999") {
		t.Errorf("there is room again: %v, stored %s", err, names(t, dir))
	}
}
