package jobspec

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFileFunctions(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("app.conf", []byte("listen 80"))
	write("large", make([]byte, MaxSourceBytes+1))
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	write("binary", []byte{0xff})
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	job := func(expr string) string {
		return "job \"a\" {\n  meta {\n    x = " + expr + "\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"docker\"\n      config {\n        image = \"a\"\n      }\n    }\n  }\n}\n"
	}
	for expr, want := range map[string]string{
		`file("app.conf")`:                "listen 80",
		`filebase64("app.conf")`:          "bGlzdGVuIDgw",
		`basename("/a/b")`:                "b",
		`"${fileexists("app.conf")}"`:     "true",
		`join(",", fileset(".", "*.c*"))`: "app.conf",
	} {
		res, diags := Parse(ParseOptions{Source: []byte(job(expr)), Dir: dir})
		if res == nil {
			t.Errorf("%s: %s", expr, rendered(diags))
		} else if have := res.Job.Meta["x"]; have != want {
			t.Errorf("%s is %q", expr, have)
		}
	}
	for expr, want := range map[string]string{
		`file("large")`:                "bytes; at most that many are read",
		`file("sub")`:                  "is a directory",
		`file("pipe")`:                 "is not a regular file",
		`file("/dev/zero")`:            "is not a regular file",
		`filebase64("/dev/zero")`:      "is not a regular file",
		`file("missing")`:              "there is no file",
		`join("", fileset("/", "**"))`: "the root directory is too large to be searched",
		`join("", fileset("` + strings.Repeat("../", 40) + `", "*/**"))`:  "the root directory is too large to be searched",
		`join("", fileset("sub", "` + strings.Repeat("../", 40) + `**"))`: "the root directory is too large to be searched",
		`file("` + strings.Repeat("x", 300) + `")`:                        "cannot be read: file name too long",
		`file("socket")`: "is not a regular file",
		`file("binary")`: "is not UTF-8 text",
	} {
		res, diags := Parse(ParseOptions{Source: []byte(job(expr)), Dir: dir})
		if text := rendered(diags); res != nil || !strings.Contains(text, want) {
			t.Errorf("%s: want %q in\n%s", expr, want, text)
		}
	}
	if res, diags := Parse(ParseOptions{Source: []byte(job(`file("app.conf")`))}); res != nil {
		t.Error("a file is read without a directory")
	} else if text := rendered(diags); !strings.Contains(text, "file") {
		t.Error(text)
	}
}
