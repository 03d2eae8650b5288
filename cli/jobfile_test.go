package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const variableFile = `variable "n" {
  type = number
}

variable "image" {
  default = "web:1"
}

job "web" {
  group "web" {
    count = var.n
    task "server" {
      driver = "docker"
      config {
        image = var.image
      }
    }
  }
}
`

func TestJobFilesFromAnywhereWithValues(t *testing.T) {
	path := jobFile(t, variableFile)
	values := filepath.Join(t.TempDir(), "v.hcl")
	if err := os.WriteFile(values, []byte("n = 5\nimage = \"web:2\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/web.hcl" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, variableFile)
	}))
	t.Cleanup(web.Close)
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		env   string
		code  int
		want  string
	}{
		{"a flag", []string{"-var", "n=3", path}, "", "", 0, `"Count": 3`},
		{"a file of values", []string{"-var-file", values, path}, "", "", 0, `"image": "web:2"`},
		{"a flag before a file", []string{"-var-file", values, "-var=n=7", path}, "", "", 0, `"Count": 7`},
		{"the environment", []string{path}, "", "4", 0, `"Count": 4`},
		{"standard input", []string{"-var=n=2", "-"}, variableFile, "", 0, `"Count": 2`},
		{"an address", []string{"-var=n=2", web.URL + "/web.hcl"}, "", "", 0, `"Count": 2`},
		{"an address that is wrong", []string{web.URL + "/none.hcl"}, "", "", 1, "404"},
		{"no value", []string{path}, "", "", 1, `"n"`},
		{"a value for nothing", []string{"-var=n=1", "-var=m=1", path}, "", "", 1, `"m"`},
		{"a file of values that is missing", []string{"-var-file", "/nonexistent/v.hcl", path}, "", "", 1, "/nonexistent/v.hcl"},
		{"the API's JSON", []string{"-json", "-"}, `{"Job":{"ID":"web","TaskGroups":[{"Name":"web","Count":6,"Tasks":[{"Name":"s","Driver":"docker","Config":{"image":"web:1"}}]}]}}`, "", 0, `"Count": 6`},
		{"JSON that is none", []string{"-json", "-"}, `{"Job":`, "", 1, "standard input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("NOMAD_VAR_n", c.env)
			}
			got := berth(t, c.stdin, append([]string{"job", "run", "-output"}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.out+got.err, c.want) {
				t.Errorf("exit code %d, want %q\n%s%.2000s", got.code, c.want, got.err, got.out)
			}
		})
	}
}

func TestAFileThatIsTooLongIsRefused(t *testing.T) {
	got := berth(t, strings.Repeat("# long\n", 1<<20), "job", "validate", "-")
	if got.code != 1 || got.out != "" || got.err == "" || len(got.err) > 2000 {
		t.Errorf("%d %.300s", got.code, got.err)
	}
}

func TestInitWritesJobsThatAreValid(t *testing.T) {
	for _, template := range templateNames() {
		for _, short := range []string{"-short=false", "-short"} {
			t.Run(template+short, func(t *testing.T) {
				t.Chdir(t.TempDir())
				if got := berth(t, "", "job", "init", "-template", template, short, "shop"); got.code != 0 || !strings.Contains(got.out, "berth job run shop.hcl") {
					t.Fatalf("%+v", got)
				}
				text, err := os.ReadFile("shop.hcl")
				if err != nil || !strings.Contains(string(text), `job "shop"`) || strings.Contains(string(text), "example") || strings.Contains(string(text), "FILE") {
					t.Errorf("%v in %s", err, text)
				}
				if short == "-short" && !strings.HasPrefix(string(text), "job ") {
					t.Errorf("comments in %s", text)
				}
				if got := berth(t, "", "job", "validate", "shop.hcl"); got.code != 0 || got.err != "" {
					t.Errorf("%+v", got)
				}
				if got := berth(t, "", "fmt", "-check", "shop.hcl"); got.code != 0 {
					t.Errorf("%+v", got)
				}
			})
		}
	}
}

func TestInitRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := berth(t, "", "job", "init"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	for _, c := range []struct{ args, want string }{
		{"example", "is there already"},
		{"-template conr", "there is no template \"conr\": use one of batch, cron, parameterized, sidecar, system, web"},
		{"-template ../web x", "there is no template"},
		{"no/such/shop", "write no/such/shop.hcl: no such file or directory"},
		{`a"b`, "cannot be the name of a job"},
		{"a\tb", "cannot be the name of a job"},
	} {
		args := strings.Split(c.args, " ")
		if got := berth(t, "", append([]string{"job", "init"}, args...)...); got.code != 1 || !strings.Contains(got.err, c.want) {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
	if got := berth(t, "", "init", "-list-templates"); got.code != 0 || strings.Count(got.out, "\n") != len(templateNames())+1 {
		t.Errorf("%+v", got)
	}
	if files, _ := os.ReadDir("."); len(files) != 1 {
		t.Error("files written:", files)
	}
}

// The namespace of flag and environment is that of a job whose file names none; a file that names one wins.
func TestJobRunTakesTheNamespaceOfTheFlag(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"none":      {`job "web" { group "g" { task "t" { driver = "containerd" config { image = "x" } } } }`, "team"},
		"its own":   {`job "web" { namespace = "own" group "g" { task "t" { driver = "containerd" config { image = "x" } } } }`, "own"},
		"default":   {`job "web" { namespace = "default" group "g" { task "t" { driver = "containerd" config { image = "x" } } } }`, "default"},
		"API's own": {`{"Job": {"ID": "web", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "containerd", "Config": {"image": "x"}}]}]}}`, "team"},
	} {
		text := strings.ReplaceAll(c.file, "{ ", "{\n")
		text = strings.ReplaceAll(text, `" group`, "\"\ngroup")
		text = strings.ReplaceAll(text, `" config`, "\"\nconfig")
		text = strings.ReplaceAll(text, " }", "\n}")
		args := []string{"job", "run", "-namespace=team", "-output"}
		if name == "API's own" {
			text, args = c.file, append(args, "-json")
		}
		path := filepath.Join(t.TempDir(), "job.hcl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := newFake(t, nil)
		if got := f.berth(t, append(args, path)...); got.code != 0 || !strings.Contains(got.out, `"Namespace": "`+c.want+`"`) {
			t.Errorf("%s: want %q in %+v", name, c.want, got)
		}
	}
}
