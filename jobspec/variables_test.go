package jobspec

import (
	"maps"
	"strings"
	"testing"

	"berth/structs"
)

// withVariables is a job that shows the values of its variables in its meta.
const withVariables = `
variable "s" {
  type    = string
  default = "default"
}
variable "n" {
  type    = number
  default = 1
}
variable "l" {
  type    = list(string)
  default = ["default"]
}
variable "o" {
  type    = object({ a = string, b = optional(number, 7) })
  default = { a = "default" }
}
variable "free" {
  default = null
}
variable "untyped" {
  default = ["x"]
}
job "j" {
  meta {
    s       = var.s
    n       = var.n
    l       = join(",", var.l)
    o       = "${var.o.a}/${var.o.b}"
    untyped = jsonencode(var.untyped)
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
`

func meta(t *testing.T, opts ParseOptions) map[string]string {
	t.Helper()
	opts.Source = []byte(withVariables)
	res, diags := Parse(opts)
	if res == nil {
		t.Fatal(diags.Err())
	}
	return res.Job.Meta
}

func TestVariablesTakeTheStrongestValue(t *testing.T) {
	one := VarFile{"one.vars", []byte("s = \"one\"\nn = 2\nl = [\"one\"]\n")}
	two := VarFile{"two.json", []byte(`{"s": "two", "o": {"a": "two", "b": 1}}`)}
	env := map[string]string{"NOMAD_VAR_s": "env", "BERTH_VAR_n": "3", "NOMAD_VAR_l": `["env", "e"]`, "NOMAD_VAR_nothing": "x"}
	for name, c := range map[string]struct {
		opts ParseOptions
		want map[string]string
	}{
		"defaults":            {ParseOptions{}, map[string]string{"s": "default", "n": "1", "l": "default", "o": "default/7", "untyped": `["x"]`}},
		"environment":         {ParseOptions{Env: env}, map[string]string{"s": "env", "n": "3", "l": "env,e"}},
		"berth's environment": {ParseOptions{Env: map[string]string{"NOMAD_VAR_s": "a", "BERTH_VAR_s": "b"}}, map[string]string{"s": "b"}},
		"file over env":       {ParseOptions{Env: env, VarFiles: []VarFile{one}}, map[string]string{"s": "one", "n": "2", "l": "one"}},
		"later file":          {ParseOptions{Env: env, VarFiles: []VarFile{one, two}}, map[string]string{"s": "two", "n": "2", "o": "two/1"}},
		"flag over file":      {ParseOptions{VarFiles: []VarFile{one, two}, Vars: []string{"s=flag", "n=9"}}, map[string]string{"s": "flag", "n": "9"}},
		"last flag":           {ParseOptions{Vars: []string{"s=a", "s=b"}}, map[string]string{"s": "b"}},
		"text as it is":       {ParseOptions{Vars: []string{`s="quoted" ${x} = [`}}, map[string]string{"s": `"quoted" ${x} = [`}},
		"empty":               {ParseOptions{Vars: []string{"s="}}, map[string]string{"s": ""}},
		"number as text":      {ParseOptions{Vars: []string{"s=007"}}, map[string]string{"s": "007"}},
		"list":                {ParseOptions{Vars: []string{`l=["a", "b"]`}}, map[string]string{"l": "a,b"}},
		"numbers into texts":  {ParseOptions{Vars: []string{`l=[1, true]`}}, map[string]string{"l": "1,true"}},
		"object":              {ParseOptions{Vars: []string{`o={a = "x", b = 2}`}}, map[string]string{"o": "x/2"}},
		"untyped":             {ParseOptions{Vars: []string{`untyped={a = [1]}`}}, map[string]string{"untyped": `{"a":[1]}`}},
		"expression":          {ParseOptions{Vars: []string{`l=[upper("a"), "${1 + 1}"]`}}, map[string]string{"l": "A,2"}},
	} {
		t.Run(name, func(t *testing.T) {
			have := meta(t, c.opts)
			for k, want := range c.want {
				if have[k] != want {
					t.Errorf("%s is %q, not %q", k, have[k], want)
				}
			}
		})
	}
}

func TestVariablesRefused(t *testing.T) {
	for name, c := range map[string]struct {
		opts ParseOptions
		want string
	}{
		"kind of a number":     {ParseOptions{Vars: []string{"n=many"}}, `-var n: error: variable "n" must be of type number: a number is required`},
		"kind of a list":       {ParseOptions{Vars: []string{"l=3"}}, `-var l: error: variable "l" must be of type list of string`},
		"missing attribute":    {ParseOptions{Vars: []string{"o={b = 1}"}}, `attribute "a" is required`},
		"syntax of a list":     {ParseOptions{Vars: []string{"l=["}}, "-var l:1:2: error: "},
		"kind in a file":       {ParseOptions{VarFiles: []VarFile{{"v.hcl", []byte("\nn = \"x\"\n")}}}, `v.hcl:2:5: error: variable "n" must be of type number`},
		"kind in a JSON file":  {ParseOptions{VarFiles: []VarFile{{"v.json", []byte("{\"n\":\n [1]}")}}}, `v.json:2:2: error: variable "n" must be of type number`},
		"unknown in a file":    {ParseOptions{VarFiles: []VarFile{{"v.hcl", []byte("nn = 1\n")}}, Strict: true}, `v.hcl:1:1: error: the job file has no variable "nn"`},
		"unknown flag":         {ParseOptions{Vars: []string{"x=1"}, Strict: true}, `-var x: error: the job file has no variable "x"`},
		"block in a file":      {ParseOptions{VarFiles: []VarFile{{"v.hcl", []byte("variable \"n\" {\n}\n")}}}, `v.hcl:1:1: error: a file of variables holds no blocks, and this is "variable"`},
		"reference in a file":  {ParseOptions{VarFiles: []VarFile{{"v.hcl", []byte("s = var.n\n")}}}, "v.hcl:1:5: error: var cannot be read here"},
		"reference in a value": {ParseOptions{Vars: []string{"l=[local.x]"}}, "local cannot be read here"},
		"bare word in a value": {ParseOptions{Vars: []string{"l=[x]"}}, `there is nothing named "x" here`},
		"no value":             {ParseOptions{Vars: []string{"s"}}, "-var s has no value"},
		"environment":          {ParseOptions{Env: map[string]string{"NOMAD_VAR_n": "x"}}, `NOMAD_VAR_n: error: variable "n" must be of type number`},
		"declared in a file":   {ParseOptions{VarFiles: []VarFile{{"v.hcl", []byte("variable \"n\" {\n}\n")}}}, "variables are declared in the job file; here write name = value"},
		"digits of a number":   {ParseOptions{Vars: []string{"n=" + strings.Repeat("9", 2000)}}, `variable "n": a number of more than 1000 digits`},
		"size of a value":      {ParseOptions{Vars: []string{"s=" + strings.Repeat("x", 9<<20)}}, `variable "s": the value is larger than 8388608 bytes`},
		"bad UTF-8 in a file":  {ParseOptions{VarFiles: []VarFile{{"v.hcl", []byte("s = \"\xff\"\n")}}}, "v.hcl:1:6: error: byte 5 is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Source = []byte(withVariables)
			res, diags := Parse(c.opts)
			var b strings.Builder
			_ = diags.Render(&b, false)
			if res != nil || !strings.Contains(b.String(), c.want) {
				t.Errorf("want %q in\n%s", c.want, b.String())
			}
		})
	}
}

func TestUnknownValuesAreWarnedOfWhenNotStrict(t *testing.T) {
	res, diags := Parse(ParseOptions{Source: []byte(withVariables), Vars: []string{"x=1"}, VarFiles: []VarFile{{"v", []byte("y = 1\n")}}})
	if res == nil || len(res.Warnings) != 2 {
		t.Fatalf("%v", diags)
	}
}

// Only the value that counts is checked against the rules.
func TestOnlyTheStrongestValueIsChecked(t *testing.T) {
	src := strings.Replace(withVariables, `  default = "default"
}`, `  default = "default"
  validation {
    condition     = length(var.s) < 5
    error_message = "Too long."
  }
}`, 1)
	res, diags := Parse(ParseOptions{Source: []byte(src), Env: map[string]string{"NOMAD_VAR_s": "much too long"}, Vars: []string{"s=ok"}})
	if res == nil {
		t.Fatal(diags.Err())
	}
	_, diags = Parse(ParseOptions{Source: []byte(src), VarFiles: []VarFile{{"v.hcl", []byte("s = \"much too long\"\n")}}})
	if text := diags.Err(); text == nil || !strings.Contains(text.Error(), `v.hcl:1:5: error: variable "s": Too long`) {
		t.Error(text)
	}
}

func TestSubmissionKeepsWhatWasGiven(t *testing.T) {
	opts := ParseOptions{
		Source: []byte(withVariables), Vars: []string{"s=a b", "n=2"},
		VarFiles: []VarFile{{"one", []byte("# one\nl = [\"z\"]")}, {"two.json", []byte(`{"s": "y", "l": ["x"]}`)}},
	}
	res, diags := Parse(opts)
	if res == nil {
		t.Fatal(diags.Err())
	}
	sub := res.Submission
	if sub.Source != withVariables || sub.Format != "hcl2" || sub.VariableFlags["s"] != "a b" || sub.VariableFlags["n"] != "2" || sub.Variables != "l = [\"x\"]\ns = \"y\"\n" {
		t.Errorf("%+v", sub)
	}
	if again := meta(t, given(sub)); again["s"] != "a b" || again["l"] != "x" {
		t.Error(again)
	}
}

// given are the options that a submission stands for.
func given(sub *structs.JobSubmission) ParseOptions {
	opts := ParseOptions{VarFiles: []VarFile{{"v", []byte(sub.Variables)}}, Strict: true}
	for name, text := range sub.VariableFlags {
		opts.Vars = append(opts.Vars, name+"="+strings.ReplaceAll(text, "%0A", "\n"))
	}
	return opts
}

func TestASubmissionCanBeGivenAgain(t *testing.T) {
	file := func(text string) []VarFile { return []VarFile{{"v.vars", []byte(text)}} }
	for name, c := range map[string]struct {
		opts      ParseOptions
		flags     map[string]string
		variables string
	}{
		"nothing":                 {ParseOptions{}, nil, ""},
		"environment":             {ParseOptions{Env: map[string]string{"NOMAD_VAR_s": "e", "BERTH_VAR_n": "4", "NOMAD_VAR_other": "x"}}, map[string]string{"s": "e", "n": "4"}, ""},
		"list of the environment": {ParseOptions{Env: map[string]string{"NOMAD_VAR_l": `["e"]`}}, nil, "l = [\"e\"]\n"},
		"file over environment":   {ParseOptions{Env: map[string]string{"NOMAD_VAR_s": "e"}, VarFiles: file("s = \"f\"")}, nil, "s = \"f\""},
		"flag over file":          {ParseOptions{Vars: []string{"s=v"}, VarFiles: file("s = \"f\"\n")}, map[string]string{"s": "v"}, "s = \"f\"\n"},
		"list beside a file":      {ParseOptions{Vars: []string{`l=["v"]`}, VarFiles: file("# why\ns = \"f\"")}, nil, "# why\ns = \"f\"\nl = [\"v\"]\n"},
		"list over a file":        {ParseOptions{Vars: []string{`l=["v"]`}, VarFiles: file("l = [\"f\"]\ns = \"f\"\n")}, nil, "s = \"f\"\nl = [\"v\"]\n"},
		"list over all of it":     {ParseOptions{Vars: []string{`l=["v"]`}, VarFiles: file("l = [\"f\"]\n")}, nil, "l = [\"v\"]\n"},
		"lines":                   {ParseOptions{Vars: []string{"s=a\nb"}}, map[string]string{"s": "a%0Ab"}, ""},
		"empty text":              {ParseOptions{Vars: []string{"s="}}, map[string]string{"s": ""}, ""},
		"untyped":                 {ParseOptions{Vars: []string{`untyped=[1]`}}, nil, "untyped = [1]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want := meta(t, c.opts)
			c.opts.Source = []byte(withVariables)
			res, _ := Parse(c.opts)
			sub := res.Submission
			if !maps.Equal(sub.VariableFlags, c.flags) || sub.Variables != c.variables {
				t.Errorf("flags %q, variables %q", sub.VariableFlags, sub.Variables)
			}
			if have := meta(t, given(sub)); !maps.Equal(have, want) {
				t.Errorf("given again: %v, not %v", have, want)
			}
		})
	}
}

// A job file may read files only where the caller names a directory.
func TestFileFunctionsNeedADirectory(t *testing.T) {
	src := strings.Replace(withVariables, "var.n\n", `file("variables_test.go")`+"\n", 1)
	if _, diags := Parse(ParseOptions{Source: []byte(src)}); !diags.HasErrors() {
		t.Error("a file was read")
	}
	src = strings.Replace(withVariables, "var.n\n", `"${length(file("testdata/one.txt"))}"`+"\n", 1)
	if _, diags := Parse(ParseOptions{Source: []byte(src), Dir: "."}); !diags.HasErrors() || !strings.Contains(diags.Err().Error(), "testdata/one.txt") {
		t.Errorf("%v", diags)
	}
	src = strings.Replace(withVariables, "var.n\n", `fileexists("variables_test.go")`+"\n", 1)
	if res, diags := Parse(ParseOptions{Source: []byte(src), Dir: "."}); res == nil || res.Job.Meta["n"] != "true" {
		t.Errorf("%v", diags)
	}
}
