package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a task's spool and log directory.
type place struct {
	cfg Config
}

func newPlace(t interface {
	Fatal(...any)
	Cleanup(func())
}, dir string) *place {
	p := &place{cfg: Config{Dir: filepath.Join(dir, "logs"), Task: "web", SpoolOut: filepath.Join(dir, "spool", "stdout"),
		SpoolErr: filepath.Join(dir, "spool", "stderr"), MaxFiles: 3, MaxFileMB: 1, Notifier: NewNotifier()}}
	for _, d := range []string{p.cfg.Dir, filepath.Dir(p.cfg.SpoolOut)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{p.cfg.SpoolOut, p.cfg.SpoolErr} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := p.cfg.Notifier
	t.Cleanup(func() { _ = n.Close() })
	return p
}

// collector is a collector with log files of a few bytes.
func (p *place) collector(maxBytes int64) *Collector {
	c := New(p.cfg)
	for _, s := range c.streams {
		s.maxBytes, s.lineBytes = maxBytes, 0
	}
	return c
}

func add(t interface{ Fatal(...any) }, file, text string) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// all reads what is kept.
func (p *place) all(t interface{ Fatal(...any) }, kind, origin string, offset int64) string {
	var b bytes.Buffer
	err := Read(context.Background(), Request{Dir: p.cfg.Dir, Task: "web", Kind: kind, Origin: origin, Offset: offset}, func(f Frame) error {
		b.Write(f.Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOffsetsCountOverAllFiles(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := p.collector(10)
	add(t, p.cfg.SpoolOut, "0123456789abcdefghijABCDE")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		origin string
		offset int64
		want   string
	}{
		{"start", 0, "0123456789abcdefghijABCDE"}, {"start", 8, "89abcdefghijABCDE"}, {"start", 10, "abcdefghijABCDE"},
		{"start", 24, "E"}, {"start", 99, ""}, {"end", 0, ""}, {"end", 3, "CDE"}, {"end", 12, "defghijABCDE"}, {"end", 99, "0123456789abcdefghijABCDE"},
	} {
		if got := p.all(t, Stdout, x.origin, x.offset); got != x.want {
			t.Errorf("%s %d: got %q, want %q", x.origin, x.offset, got, x.want)
		}
	}
}

func TestFollowSeesWhatComesThroughRotations(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := p.collector(16)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	lines := make(chan string, 100)
	read := make(chan error, 1)
	go func() {
		var part string
		read <- Read(ctx, Request{Dir: p.cfg.Dir, Task: "web", Kind: Stdout, Follow: true, Notifier: p.cfg.Notifier}, func(f Frame) error {
			part += string(f.Data)
			for {
				line, rest, ok := strings.Cut(part, "\n")
				if !ok {
					return nil
				}
				lines <- line
				part = rest
			}
		})
	}()
	for i := range 20 {
		want := fmt.Sprintf("line %d", i)
		add(t, p.cfg.SpoolOut, want+"\n")
		if got := <-lines; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	cancel()
	if err := <-read; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTheSpoolIsFreed(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := New(p.cfg)
	add(t, p.cfg.SpoolOut, strings.Repeat("x", 4<<20))
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(p.cfg.SpoolOut, &st); err != nil {
		t.Fatal(err)
	}
	if st.Size != 4<<20 || st.Blocks*512 > 1<<20 {
		t.Errorf("the spool has %d bytes and takes %d", st.Size, st.Blocks*512)
	}
	add(t, p.cfg.SpoolOut, "end")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.all(t, Stdout, "end", 4); got != "xend" {
		t.Errorf("got %q", got)
	}
}

func TestATaskCannotLeadUsAstray(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, mess := range map[string]func(dir string) error{
		"link":      func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "web.stdout.0")) },
		"fifo":      func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "web.stdout.0"), 0o600) },
		"directory": func(dir string) error { return os.Mkdir(filepath.Join(dir, "web.stdout.0"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, t.TempDir())
			if err := mess(p.cfg.Dir); err != nil {
				t.Fatal(err)
			}
			add(t, p.cfg.SpoolOut, "hello")
			if err := New(p.cfg).Flush(t.Context()); err == nil {
				t.Error("collected into it")
			}
			err := Read(t.Context(), Request{Dir: p.cfg.Dir, Task: "web", Kind: Stdout}, func(f Frame) error {
				t.Errorf("read %q", f.Data)
				return nil
			})
			if err == nil {
				t.Error("read from it")
			}
			if b, _ := os.ReadFile(outside); string(b) != "mine" {
				t.Errorf("outside holds %q", b)
			}
		})
	}
	t.Run("truncated", func(t *testing.T) {
		p := newPlace(t, t.TempDir())
		c := New(p.cfg)
		add(t, p.cfg.SpoolOut, "hello")
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(p.cfg.Dir, "web.stdout.0"), 0); err != nil {
			t.Fatal(err)
		}
		add(t, p.cfg.SpoolOut, " world")
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.all(t, Stdout, "start", 0); got != " world" {
			t.Errorf("got %q", got)
		}
	})
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	p := newPlace(t, t.TempDir())
	for _, req := range []Request{
		{Dir: p.cfg.Dir, Task: "web", Kind: "stdwhat"}, {Dir: p.cfg.Dir, Task: "web", Kind: Stdout, Origin: "middle"},
		{Dir: p.cfg.Dir, Task: "web", Kind: Stdout, Offset: -1},
	} {
		if err := Read(t.Context(), req, nil); structs.KindOf(err) != structs.KindInvalid {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

// Who reads slower than the task writes is told that something is missing, and goes on with what is kept.
func TestASlowReaderIsToldOfTheGap(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := p.collector(10)
	collect := func(text string) {
		add(t, p.cfg.SpoolOut, text)
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	collect("0123456789")
	over := make(chan struct{})
	var got []string
	err := Read(t.Context(), Request{Dir: p.cfg.Dir, Task: "web", Kind: Stdout, Follow: true, Done: over, Notifier: p.cfg.Notifier}, func(f Frame) error {
		if got == nil {
			for _, text := range []string{"missing...", "missing...", "missing...", "missing...", "KEPT 1....", "KEPT 2....", "end"} {
				collect(text)
			}
			close(over)
		}
		got = append(got, f.File+":"+f.FileEvent+string(f.Data))
		return nil
	})
	want := []string{"alloc/logs/web.stdout.0:0123456789", "alloc/logs/web.stdout.0:file deleted", "alloc/logs/web.stdout.5:KEPT 1....",
		"alloc/logs/web.stdout.6:KEPT 2....", "alloc/logs/web.stdout.7:end"}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWithoutANotifierOutputIsCollectedToo(t *testing.T) {
	p := newPlace(t, t.TempDir())
	n := p.cfg.Notifier
	p.cfg.Notifier = nil
	add(t, p.cfg.SpoolOut, "hello\n")
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- New(p.cfg).Run(ctx) }()
	seen := errors.New("seen")
	err := Read(ctx, Request{Dir: p.cfg.Dir, Task: "web", Kind: Stdout, Follow: true, Notifier: n}, func(f Frame) error {
		if string(f.Data) != "hello\n" {
			t.Errorf("got %q", f.Data)
		}
		return seen
	})
	if !errors.Is(err, seen) {
		t.Error(err)
	}
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func BenchmarkCollect(b *testing.B) {
	p := newPlace(b, b.TempDir())
	p.cfg.MaxFileMB = 10
	c := New(p.cfg)
	text := strings.Repeat(strings.Repeat("x", 99)+"\n", 10<<10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		b.StopTimer()
		add(b, p.cfg.SpoolOut, text)
		b.StartTimer()
		if err := c.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
