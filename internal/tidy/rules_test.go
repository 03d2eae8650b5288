package tidy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"berth/internal/tidy"
)

func parse(t *testing.T, src string) (*token.FileSet, *ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", "package x\n"+src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return fset, f
}

func TestImpureFindsClocksRandomnessAndGoroutines(t *testing.T) {
	for src, want := range map[string]int{
		`import "time"; func f() { _ = time.Now() }`:                    1,
		`import "time"; func f() { time.Sleep(1); <-time.After(2) }`:    2,
		`import "math/rand/v2"; var _ = rand.Int`:                       1,
		`func f() { go f() }`:                                           1,
		`import "sync"; func f(w *sync.WaitGroup) { w.Go(func() {}) }`:  1,
		`import "time"; func f(now time.Time) time.Time { return now }`: 0,
		`func f(time struct{ Now int }) int { return time.Now }`:        0,
	} {
		if fset, f := parse(t, src); len(tidy.Impure(fset, f)) != want {
			t.Errorf("%s: want %d findings, got %v", src, want, tidy.Impure(fset, f))
		}
	}
}

func TestMutableVarsFindsWhatIsOrWillBeWritten(t *testing.T) {
	for src, want := range map[string]string{
		`var a int`:                     "a",
		`var a = 1; func f() { a = 2 }`: "a",
		`var a = 1; func f() { a++ }`:   "a",
		`var m = map[string]int{"x": 1}; func f() { m["y"] = 2 }`:           "m",
		`var m = map[string]int{"x": 1}; func f() { delete(m, "x") }`:       "m",
		`import "sync"; var mu = &sync.Mutex{}`:                             "mu",
		`var c = make(chan int)`:                                            "c",
		`var m = map[string]int{"x": 1}; func f() int { return m["x"] }`:    "",
		`import "errors"; var errA = errors.New("a")`:                       "",
		`var a = 1; func f() { a := 3; a = 4; _ = a }`:                      "",
		`type i interface{}; type s struct{}; var _ i = (*s)(nil)`:          "",
		"import _ \"embed\"\n//go:embed x.txt\nvar page string":             "",
		`import "sync"; var once = sync.OnceValue(func() int { return 1 })`: "",
		`type s struct{ n int }; var a = s{1}; func (x *s) f() { x.n = 2 }`: "",
		`type s struct{ n int }; var a = s{1}; func f() { a.n = 2 }`:        "a",
	} {
		fset, f := parse(t, src)
		var got []string
		for _, v := range tidy.MutableVars(fset, []*ast.File{f}) {
			got = append(got, v.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: want %q, got %q", src, want, got)
		}
	}
}

func TestInitsAndRunsAreFound(t *testing.T) {
	fset, f := parse(t, `import "context"
type T[K any] struct{}
func init() {}
func (t *T[K]) Run(ctx context.Context) error { return nil }
func (t *T[K]) init() {}
func RunLoop(ctx context.Context) {}
func Runner() {}
func (t T[K]) Run2() {}`)
	if got := tidy.Inits(fset, f); len(got) != 1 {
		t.Errorf("inits: %v", got)
	}
	if got := strings.Join(tidy.Runs("a/b", f), " "); got != "a/b.T.Run a/b.RunLoop" {
		t.Errorf("runs: %s", got)
	}
}

func TestTheLatticeRefusesWhatItDoesNotAllow(t *testing.T) {
	l, err := tidy.ParseLattice(strings.NewReader(`
structs: -          # bottom
server/...: structs # control
server/fsm: structs state
closed: cli
fence github.com/x/store state/... # swap it
fence github.com/x/check tests
nolog: structs`))
	if err != nil {
		t.Fatal(err)
	}
	own := []struct {
		pkg, imports string
		ok           bool
	}{
		{"structs", "state", false}, {"structs", "internal/lifecycle", false},
		{"server", "structs", true}, {"server/broker", "internal/lifecycle", true}, {"server/broker", "state", false},
		{"server/fsm", "state", true}, {"unlisted", "structs", false},
	}
	for _, c := range own {
		if err := l.CheckOwn(c.pkg, c.imports); (err == nil) != c.ok {
			t.Errorf("%s imports %s: %v", c.pkg, c.imports, err)
		}
	}
	third := []struct {
		pkg, imports string
		test, ok     bool
	}{
		{"server", "github.com/x/store", false, false}, {"state/a", "github.com/x/store/v2", false, true},
		{"server", "github.com/x/storehouse", false, true}, {"server", "github.com/x/check", false, false},
		{"server", "github.com/x/check", true, true}, {"structs", "github.com/hashicorp/go-hclog", false, false},
	}
	for _, c := range third {
		if err := l.CheckThirdParty(c.pkg, c.imports, c.test); (err == nil) != c.ok {
			t.Errorf("%s imports %s: %v", c.pkg, c.imports, err)
		}
	}
	if !l.Closed("cli/x") || l.Closed("client") {
		t.Error("closed packages are told apart by name, not by prefix")
	}
}
