package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// turning is a store during whose work another server is elected.
type turning struct {
	Directory
	listed, put func()
	opened      int
}

func (u *turning) List(ctx context.Context, region string) ([]Stored, error) {
	defer u.listed()
	return u.Directory.List(ctx, region)
}

func (u *turning) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	defer u.put()
	return u.Directory.Put(ctx, name, write)
}

func (u *turning) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	u.opened++
	return u.Directory.Open(ctx, name)
}

// What is stored is another's from the moment on in which another leads: nothing is read back and nothing removed.
func TestALeaderThatLosesItsTermMeanwhileTouchesNothingMore(t *testing.T) {
	for name, during := range map[string]func(u *turning, lose func()){
		"a save": func(u *turning, lose func()) { u.put = lose },
		"a list": func(u *turning, lose func()) { u.listed = lose }, // nothing is due, and one is too much
	} {
		dir := t.TempDir()
		old := []string{"berth-global-19991230T000000Z.snap", "berth-global-19991231T000000Z.snap"}
		if name == "a list" {
			old = append(old, nameOf("global", time.Now(), false))
		}
		for _, n := range old {
			put(t, dir, n)
		}
		u := &turning{Directory: Directory{dir}, listed: func() {}, put: func() {}}
		r := newRig(u, Plan{Keep: Keep{Last: 1}, Every: 365 * 24 * time.Hour})
		during(u, func() { r.leads.Store(false) })
		_, err := r.saver.once(t.Context())
		if got := names(t, dir); !errors.Is(err, errNoLonger) || u.opened > 0 || !strings.HasPrefix(got, strings.Join(old, " ")) {
			t.Errorf("after %s: %v, %d opened, stored %s", name, err, u.opened, got)
		}
	}
}

// lookalike answers with as many bytes as were stored, and with others.
type lookalike struct{ Directory }

func (l lookalike) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := l.Directory.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	text[0]++
	return io.NopCloser(strings.NewReader(string(text))), errors.Join(err, r.Close())
}

func TestOneWrongByteIsSeen(t *testing.T) {
	dir := t.TempDir()
	r := newRig(lookalike{Directory{dir}}, Plan{})
	if _, err := r.saver.once(t.Context()); err == nil || !strings.Contains(err.Error(), "it is not what was written") || names(t, dir) != "" {
		t.Errorf("%v, stored %s", err, names(t, dir))
	}
}

func TestAFolderIsNoSnapshot(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "berth-global-19991231T230000Z.snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	if have, err := (Directory{dir}).List(t.Context(), "global"); err != nil || len(have) != 0 {
		t.Errorf("%v, %v", have, err)
	}
}

// However often it failed, and however long the slots are, it is tried again within ten minutes.
func TestAFaultIsTriedAgainEveryTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Directory{t.TempDir()}, Plan{Every: 24 * time.Hour})
		r.fail = errors.New("no space left on device")
		r.run(t, 3*time.Hour)
		if st := r.saver.Status(); st.Failures < 20 || time.Until(st.Next) > retryMax {
			t.Errorf("%d failures, the next in %s", st.Failures, time.Until(st.Next))
		}
	})
}
