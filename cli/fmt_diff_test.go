package cli

import (
	"os"
	"strings"
	"testing"
)

func TestFormatShowsWhatItWouldChange(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "job \"x\" {\n  type=\"batch\"\n  priority = 50\n\n  group \"g\" {\n  }\n}\n"
	if err := os.WriteFile("x.hcl", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got := berth(t, "", "job", "fmt", "-diff", "-check", "x.hcl")
	const want = "--- x.hcl\n+++ x.hcl\n@@ -2,1 +2,1 @@\n-  type=\"batch\"\n+  type     = \"batch\"\n"
	if got.code != 1 || got.out != want {
		t.Errorf("%d\n%s", got.code, got.out)
	}
	if after, _ := os.ReadFile("x.hcl"); string(after) != text {
		t.Errorf("changed to %s", after)
	}
}

func TestLineDiff(t *testing.T) {
	for _, c := range []struct{ old, changed, want string }{
		{"a\nb\nc\n", "a\nB\nc\n", "@@ -2,1 +2,1 @@\n-b\n+B\n"},
		{"a\nb\nc\nd\n", "A\nb\nc\nD\n", "@@ -1,1 +1,1 @@\n-a\n+A\n@@ -4,1 +4,1 @@\n-d\n+D\n"},
		{"a\nb\n", "a\n\nb\n", "@@ -1,0 +2,1 @@\n+\n"},
		{"a\n\n\nb\n", "a\nb\n", "@@ -2,2 +1,0 @@\n-\n-\n"},
		{"a\nb", "a\nb\n", "@@ -2,1 +2,1 @@\n-b\n\\ No newline at end of file\n+b\n"},
	} {
		if got := strings.TrimPrefix(string(lineDiff("f", []byte(c.old), []byte(c.changed))), "--- f\n+++ f\n"); got != c.want {
			t.Errorf("%q to %q:\n%s", c.old, c.changed, got)
		}
	}
}
