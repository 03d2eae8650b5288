package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"berth/api"
	"berth/structs"
)

func TestFlagsMayHaveOneHyphen(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"job run -detach x.hcl", "job run --detach x.hcl"},
		{"job run --detach x.hcl", "job run --detach x.hcl"},
		{"job plan -var=a=b -var c=d x", "job plan --var=a=b --var c=d x"},
		{"alloc logs -f -n 3 -tail 1a2b", "alloc logs -f -n 3 --tail 1a2b"},
		{"alloc logs -tail -n -5 1a2b", "alloc logs --tail -n -5 1a2b"},
		{"node drain -deadline -1s -enable x", "node drain --deadline -1s --enable x"},
		{"job run -", "job run -"},
		{"alloc exec -task web 1a2b /bin/ls -la -color", "alloc exec --task web 1a2b /bin/ls -la -color"},
		{"alloc exec -task=web 1a2b ls -color", "alloc exec --task=web 1a2b ls -color"},
		{"exec -i 1a2b sh -c", "exec -i 1a2b sh -c"},
		{"alloc exec -job web ls -color", "alloc exec --job web ls -color"},
		{"-address http://x job status", "--address http://x job status"},
		{"alloc exec -task web 1a2b -- ls -color", "alloc exec --task web 1a2b -- ls -color"},
	} {
		if got := normalize(strings.Fields(c.in)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s\n got %s\nwant %s", c.in, strings.Join(got, " "), c.want)
		}
	}
}

func TestWordsOfAForeignCommandAreLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.String()).Draw(t, "words")
		got := normalize(append([]string{"alloc", "exec", "1a2b", "/bin/sh"}, words...))
		if !slices.Equal(got[4:], words) {
			t.Fatalf("%q became %q", words, got[4:])
		}
	})
}

func TestNothingIsLostOnTheWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`-{0,2}[a-z=]{0,4}`)).Draw(t, "words")
		got := normalize(words)
		if len(got) != len(words) {
			t.Fatalf("%q became %q", words, got)
		}
		for i := range got {
			if strings.TrimLeft(got[i], "-") != strings.TrimLeft(words[i], "-") {
				t.Fatalf("%q became %q", words, got)
			}
		}
	})
}

func TestMistypedCommandsAreAnswered(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"jbo", 127, "did you mean `berth job`?"},
		{"job statsu", 127, "did you mean `berth job status`?"},
		{"job run -detahc x.hcl", 1, "did you mean -detach?"},
		{"job run", 1, "usage: berth job run FILE"},
		{"job run /nonexistent/x.hcl", 1, "there is no file /nonexistent/x.hcl (`berth job init`"},
		{"job run -var-file /nonexistent/x.hcl -", 1, "there is no file /nonexistent/x.hcl\n"},
		{"node pool apply /nonexistent/x.hcl", 1, "there is no file /nonexistent/x.hcl\n"},
		{"acl policy apply dev /nonexistent/x.hcl", 1, "there is no file /nonexistent/x.hcl\n"},
		{"operator snapshot inspect /nonexistent/x.snap", 1, "there is no file /nonexistent/x.snap\n"},
		{"job plan /nonexistent/x.hcl", 255, "there is no file"},
		{"job run /dev/null", 1, "not a regular file"},
		{"agent", 1, "-dev"},
		{"agent -server -bootstrap-expect=1", 1, "data_dir is not set"},
		{"agent -server -bootstrap-expect=x", 1, "-bootstrap-expect=x is no whole number"},
		{"agent -data-dir=/nonexistent/x -join-token=foo", 1, "does not begin with berth-join-server-"},
		{"node drain -deadline=soon x", 1, "-deadline=soon is no time, such as 30s or 2h"},
		{"operator rebalance", 1, "give -dry-run or -move"},
		{"node drain -enable -disable x", 1, "give only one of -enable or -disable"},
		{"config validate", 1, "usage: berth config validate PATH"},
		{"config validate /nonexistent/agent.hcl", 1, "/nonexistent/agent.hcl cannot be read"},
		{"node eligibility x", 1, "enable"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Setenv("NOMAD_ADDR", "http://127.0.0.1:1")
			got := berth(t, "", strings.Fields(c.args)...)
			if got.code != c.code || !strings.Contains(got.err, c.want) || got.out != "" {
				t.Errorf("exit code %d\n%s%s", got.code, got.out, got.err)
			}
			if strings.Count(strings.TrimSpace(got.err), "\n") > 0 {
				t.Errorf("more than one line: %s", got.err)
			}
		})
	}
}

func TestShortAnswersAreGivenAWayOut(t *testing.T) {
	for answer, want := range map[string]string{"No cluster leader": "`berth server members`", "No path to region": "`berth operator region list`"} {
		f := newFake(t, map[string]any{"GET /v1/jobs": refusal{500, answer}})
		if got := f.berth(t, "job", "status"); got.code != 1 || !strings.Contains(got.err, answer+" (") || !strings.Contains(got.err, want) {
			t.Errorf("%+v", got)
		}
	}
}

// A variable of a shell that is not set leaves an argument empty.
func TestAnEmptyArgumentIsNamed(t *testing.T) {
	f := newFake(t, nil)
	for _, args := range []string{"queue apply -of=x", "namespace delete", "acl token delete", "node pool apply"} {
		got := f.berth(t, append(strings.Fields(args), "")...)
		if got.code != 1 || !strings.Contains(got.err, "the first argument is empty: usage: berth "+args[:5]) || len(f.requests()) > 0 {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// What can be typed next goes to the region that was meant, and a region that is not known is named.
func TestARegionThatWasNamedIsNamedAgain(t *testing.T) {
	routes := webRoutes()
	f := newFake(t, routes)
	why := api.Why{Kind: "job", Name: "web", Next: []string{"berth job status web"}}
	f.routes["GET /v1/explain/job/web"] = why
	if got := f.berth(t, "why", "-region", "west", "web"); got.code != 0 || !strings.Contains(got.out, "next: berth -region west job status web\n") {
		t.Errorf("%+v", got)
	}
	t.Setenv("NOMAD_REGION", "west")
	if got := f.berth(t, "why", "web"); got.code != 0 || !strings.Contains(got.out, "next: berth job status web\n") {
		t.Errorf("%+v", got)
	}
	f.routes["GET /v1/jobs"] = refusal{500, "No path to region"}
	if got := f.berth(t, "job", "status", "-region", "wets"); got.code != 1 || !strings.Contains(got.err, "No path to region \"wets\" (`berth operator region list`") {
		t.Errorf("%+v", got)
	}
}

// An id that no job has is told with the one that may be meant.
func TestAJobThatMayBeMeant(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/jobs": func(w http.ResponseWriter, r *http.Request) {
		all := []*structs.JobListStub{webStub()}
		if r.URL.Query().Get("prefix") != "" {
			all = nil
		}
		_ = json.NewEncoder(w).Encode(all)
	}})
	for typed, want := range map[string]string{"wbe": `"wbe" in namespace "default"; did you mean "web"?`, "database": "`berth job status -namespace '*'` lists"} {
		if got := f.berth(t, "job", "status", typed); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v", typed, got)
		}
	}
}

func TestAConfigurationIsCheckedWithoutAnAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.hcl")
	for _, c := range []struct {
		text, want string
		code       int
	}{
		{"data_dir = \"/x\"\nserver {\n  enabled = true\n}\n", "Configuration is valid: " + path, 0},
		{"data_dir = \"/x\"\nserver {\n  enabled = true\n  bootstrap_expect = 2\n}\n", "without effect", 0},
		{"data_dir = \"/x\"\nserver {\n  enabeld = true\n}\n", "did you mean \"enabled\"?", 1},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := berth(t, "", "config", "validate", path); got.code != c.code || !strings.Contains(got.out+got.err, c.want) {
			t.Errorf("%s: exit code %d\n%s%s", c.text, got.code, got.out, got.err)
		}
	}
}

func TestOtherNamesOfCommands(t *testing.T) {
	for name, path := range aliases {
		long, short := berth(t, "", append(slices.Clone(path), "-h")...), berth(t, "", name, "-h")
		whatFor, _, _ := strings.Cut(long.out, "\n")
		if long.code != 0 || short.code != 0 || !strings.HasPrefix(short.out, whatFor) || !strings.Contains(short.out, "berth "+name+" ") {
			t.Errorf("berth %s is not berth %s:\n%s", name, strings.Join(path, " "), short.out)
		}
	}
}

func TestAnAgentThatIsAwayIsNamedWithAWayOut(t *testing.T) {
	t.Setenv("NOMAD_ADDR", "http://127.0.0.1:1")
	for _, args := range []string{"job status", "node status", "alloc status 1a2b", "eval list", "server members", "system gc", "why web", "status web"} {
		got := berth(t, "", strings.Fields(args)...)
		if got.code != 1 || !strings.Contains(got.err, "no agent answers at http://127.0.0.1:1") || !strings.Contains(got.err, "berth agent -dev") {
			t.Errorf("%s: exit code %d: %s", args, got.code, got.err)
		}
	}
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	bad, good := "job \"a\" {\ntype=\"batch\"\n}\n", "job \"a\" {\n  type = \"batch\"\n}\n"
	one, two, other := filepath.Join(dir, "a.hcl"), filepath.Join(sub, "b.nomad"), filepath.Join(dir, "c.txt")
	for _, f := range []string{one, two, other} {
		if err := os.WriteFile(f, []byte(bad), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	text := func(f string) string {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := berth(t, "", "fmt", "-check", dir); got.code != 1 || got.out != one+"\n" || text(one) != bad {
		t.Errorf("check: %+v", got)
	}
	if got := berth(t, bad, "fmt", "-"); got.code != 0 || got.out != good {
		t.Errorf("standard input: %+v", got)
	}
	if got := berth(t, "", "fmt", dir); got.code != 0 || text(one) != good || text(two) != bad || text(other) != bad {
		t.Errorf("a directory: %+v", got)
	}
	if st, _ := os.Stat(one); st.Mode().Perm() != 0o640 {
		t.Errorf("mode became %v", st.Mode())
	}
	if got := berth(t, "", "fmt", "-recursive", dir); got.code != 0 || text(two) != good {
		t.Errorf("recursive: %+v", got)
	}
	if got := berth(t, "", "fmt", "-check", "-recursive", dir); got.code != 0 || got.out != "" {
		t.Errorf("formatted files: %+v", got)
	}
	if got := berth(t, "job \"a\" {", "fmt", "-"); got.code != 1 || got.out != "" || !strings.Contains(got.err, ":1") {
		t.Errorf("a broken text: %+v", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestColoursTakeNoRoomInTables(t *testing.T) {
	var out bytes.Buffer
	e := &env{out: &out, color: true}
	e.table([][]string{{"A", "B"}, {e.paint("31", "ab"), "x"}, {"abc", "y"}})
	lines := strings.Split(out.String(), "\n")
	if wide(lines[1]) != 6 || wide(lines[2]) != 6 || !strings.HasSuffix(lines[1], "   x") {
		t.Errorf("%q", lines)
	}
}

func TestDurationsAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{{5 * time.Second, "5s"}, {65 * time.Second, "1m5s"}, {2*time.Hour + 3*time.Minute, "2h3m"}, {50 * time.Hour, "2d2h"}} {
		if got := short(c.d); got != c.want {
			t.Errorf("%v: %s", c.d, got)
		}
	}
	if got := size(1536 << 10); got != "1.5 MiB" {
		t.Error(got)
	}
}

func TestStandardInputThatFailsIsSaid(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Main([]string{"job", "validate", "-"}, iotest.ErrReader(os.ErrClosed), &out, &errs); code != 1 || !strings.Contains(errs.String(), "standard input cannot be read") {
		t.Errorf("%d %s", code, errs.String())
	}
}
