package logs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// kill is what a collector dies of in a test.
type kill struct{}

// flushAndDie copies, and reports that the collector died after so many lasting steps.
func flushAndDie(t *rapid.T, c *Collector, steps int) (died bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(kill); !ok {
				panic(r)
			}
			died = true
		}
	}()
	for _, s := range c.streams {
		s.killed = func() {
			if steps--; steps < 0 {
				panic(kill{})
			}
		}
	}
	if err := c.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.streams {
		s.killed = nil
	}
	return false
}

// However the output comes, is collected, and the agent dies between any two steps: what is kept is the output's end, nothing
// twice and nothing missing, in no more files than allowed, and no line is split.
func TestNothingIsLostOrRepeated(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "logs-")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		p := newPlace(rt, dir)
		maxBytes := int64(rapid.SampledFrom([]int{5, 60, 300, 700 << 10}).Draw(rt, "max"))
		lineBytes := int64(rapid.SampledFrom([]int{0, 100}).Draw(rt, "line"))
		begin := func() *Collector {
			c := p.collector(maxBytes)
			for _, s := range c.streams {
				s.lineBytes = lineBytes
			}
			return c
		}
		c := begin()
		var want strings.Builder
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "op") {
			case 0, 1:
				line := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", rapid.IntRange(0, 70).Draw(rt, "len")))
				if maxBytes > 1<<10 {
					line = strings.Repeat(line, 8<<10)
				}
				add(rt, p.cfg.SpoolOut, line)
				want.WriteString(line)
			case 2:
				if err := c.Flush(context.Background()); err != nil {
					rt.Fatal(err)
				}
			case 3: // killed: nothing is closed in order
				c = begin()
			case 4:
				if flushAndDie(rt, c, rapid.IntRange(0, 12).Draw(rt, "until")) {
					c = begin()
				}
			}
		}
		if err := c.Flush(context.Background()); err != nil {
			rt.Fatal(err)
		}
		got, whole := p.all(rt, Stdout, "start", 0), want.String()
		if !strings.HasSuffix(whole, got) {
			rt.Fatalf("kept %d bytes, which are not the end of the %d", len(got), len(whole))
		}
		if int64(len(got)) < min(int64(len(whole)), 2*maxBytes) {
			rt.Fatalf("kept %d of %d bytes", len(got), len(whole))
		}
		files, err := filepath.Glob(filepath.Join(p.cfg.Dir, "web.stdout.*"))
		if err != nil || len(files) > p.cfg.MaxFiles {
			rt.Fatalf("files: %v, %v", files, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				rt.Fatal(err)
			}
			if int64(len(b)) > maxBytes+lineBytes {
				rt.Fatalf("%s has %d bytes", name, len(b))
			}
			if lineBytes > 0 && len(b) > 0 && b[len(b)-1] != '\n' {
				rt.Fatalf("%s ends within a line: %q", name, b[max(0, len(b)-20):])
			}
		}
	})
}
