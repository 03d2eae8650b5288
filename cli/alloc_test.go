package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"berth/api"
)

// allocRoutes are those of an agent with the allocation of the fixtures.
func allocRoutes(more map[string]any) map[string]any {
	routes := webRoutes()
	for k, v := range more {
		routes[k] = v
	}
	return routes
}

// frames answers with a stream of a file, from where the query says.
func frames(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		var offset int
		fmt.Sscan(r.URL.Query().Get("offset"), &offset)
		rest := text[min(offset, len(text)):]
		if r.URL.Query().Get("origin") == "end" {
			rest = text[max(0, len(text)-offset):]
		}
		enc := json.NewEncoder(w)
		for len(rest) > 0 {
			n := min(7, len(rest))
			_ = enc.Encode(api.StreamFrame{Data: []byte(rest[:n]), File: "alloc/logs/server.stdout.0"})
			rest = rest[n:]
		}
		_ = enc.Encode(api.StreamFrame{}) // a heartbeat
	}
}

func TestLogs(t *testing.T) {
	f := newFake(t, allocRoutes(map[string]any{"GET /v1/client/fs/logs/" + allocOne.String(): frames("one\ntwo\nthree\nfour")}))
	for _, c := range []struct{ args, want string }{
		{"alloc logs c0", "one\ntwo\nthree\nfour"},
		{"alloc logs -stderr c0", "one\ntwo\nthree\nfour"},
		{"alloc logs -job web", "one\ntwo\nthree\nfour"},
		{"logs -task server c0", "one\ntwo\nthree\nfour"},
		{"alloc logs -tail -n 2 c0", "three\nfour"},
		{"alloc logs -n 1 c0 server", "four"},
		{"alloc logs -tail -n 99 c0", "one\ntwo\nthree\nfour"},
		{"alloc logs -c 4 c0", "four"},
		{"alloc logs -f -tail -n 1 c0", "four"},
	} {
		if got := f.berth(t, strings.Fields(c.args)...); got.code != 0 || got.out != c.want {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
	if got := f.berth(t, "alloc", "logs", "-task", "sever", "c0"); got.code != 1 || !strings.Contains(got.err, `no task "sever"`) || !strings.Contains(got.err, "server") {
		t.Errorf("%+v", got)
	}
	asked := strings.Join(f.requests(), "\n")
	if !strings.Contains(asked, "type=stderr") || !strings.Contains(asked, "follow=true") {
		t.Error(asked)
	}
}

func TestFiles(t *testing.T) {
	dir := &api.FileInfo{Name: "alloc", IsDir: true, FileMode: "drwxr-xr-x", ModTime: moment0}
	file := &api.FileInfo{Name: "data.txt", Size: 5, FileMode: "-rw-r--r--", ModTime: moment0}
	prefix := "GET /v1/client/fs/"
	f := newFake(t, allocRoutes(map[string]any{
		prefix + "stat/" + allocOne.String(): func(w http.ResponseWriter, r *http.Request) {
			info := file
			if r.URL.Query().Get("path") == "/" {
				info = dir
			}
			_ = json.NewEncoder(w).Encode(info)
		},
		prefix + "ls/" + allocOne.String():     []*api.FileInfo{dir, file},
		prefix + "cat/" + allocOne.String():    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") },
		prefix + "stream/" + allocOne.String(): frames("hello"),
	}))
	for _, c := range []struct{ args, want string }{
		{"alloc fs c0", "alloc/"}, {"alloc fs c0 /data.txt", "hello"}, {"alloc fs -stat c0 /data.txt", "-rw-r--r--"},
		{"alloc fs -tail -c 3 c0 /data.txt", "llo"}, {"fs -job web /data.txt", "hello"},
	} {
		if got := f.berth(t, strings.Fields(c.args)...); got.code != 0 || !strings.Contains(got.out, c.want) {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
}

// shell is an exec at the other end: it echoes standard input in capitals, tells the command on standard error, and ends.
func shell(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		send := func(o api.ExecOutput) {
			text, _ := json.Marshal(o)
			_ = conn.Write(r.Context(), websocket.MessageText, text)
		}
		send(api.ExecOutput{Stderr: &api.ExecData{Data: []byte(r.URL.Query().Get("command"))}})
		for {
			_, text, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			var in api.ExecInput
			_ = json.Unmarshal(text, &in)
			if in.Stdin == nil {
				continue
			}
			if len(in.Stdin.Data) > 0 {
				send(api.ExecOutput{Stdout: &api.ExecData{Data: []byte(strings.ToUpper(string(in.Stdin.Data)))}})
			}
			if in.Stdin.Close {
				send(api.ExecOutput{Exited: true, Result: &api.ExecResult{ExitCode: code}})
				_, _, _ = conn.Read(r.Context())
				return
			}
		}
	}
}

func TestExec(t *testing.T) {
	route := "GET /v1/client/allocation/" + allocOne.String() + "/exec"
	f := newFake(t, allocRoutes(map[string]any{route: shell(7)}))
	t.Setenv("NOMAD_ADDR", f.URL)
	got := berth(t, "abc", "alloc", "exec", "-task", "server", "c0", "/bin/sh", "-c", "-color x")
	if got.code != 7 || got.out != "ABC" || got.err != `["/bin/sh","-c","-color x"]` {
		t.Errorf("%+v", got)
	}
	if got := berth(t, "", "exec", "-job", "web", "true"); got.code != 7 || got.err != `["true"]` {
		t.Errorf("%+v", got)
	}
	if got := berth(t, "", "alloc", "exec", "-t", "c0", "true"); got.code != 1 || !strings.Contains(got.err, "terminal") {
		t.Errorf("%+v", got)
	}
	f.routes[route] = refusal{404, "unknown task"}
	if got := berth(t, "", "alloc", "exec", "c0", "true"); got.code != 1 || !strings.Contains(got.err, "unknown task") {
		t.Errorf("%+v", got)
	}
}

func TestIdsByPrefix(t *testing.T) {
	routes := webRoutes()
	routes["GET /v1/allocations"] = webAllocs()
	f := newFake(t, routes)
	got := f.berth(t, "alloc", "status", "c00")
	if got.code != 1 || !strings.Contains(got.err, allocOne.String()) || !strings.Contains(got.err, allocTwo.String()) {
		t.Errorf("several: %+v", got)
	}
	if got := f.berth(t, "alloc", "status", "c0000001"); got.code != 0 {
		t.Errorf("one: %+v", got)
	}
	if got := f.berth(t, "alloc", "status", "ff"); got.code != 1 || !strings.Contains(got.err, `begins with "ff"`) {
		t.Errorf("none: %+v", got)
	}
	if got := f.berth(t, "alloc", "status", "xyz"); got.code != 1 || !strings.Contains(got.err, `"xyz": ids are hexadecimal`) {
		t.Errorf("no id: %+v", got)
	}
	if got := f.berth(t, "job", "status", "nothing"); got.code != 1 || !strings.Contains(got.err, "nothing") {
		t.Errorf("no job: %+v", got)
	}
}

func TestOutputForPrograms(t *testing.T) {
	f := newFake(t, webRoutes())
	for _, args := range []string{"job status", "job status web", "alloc status c0", "node status", "node status one", "eval list", "eval status e0000002",
		"deployment list", "deployment status d0", "job inspect web", "job allocs web"} {
		got := f.berth(t, append(strings.Fields(args), "-json")...)
		if got.code != 0 || !json.Valid([]byte(got.out)) || !strings.Contains(got.out, "\n    ") {
			t.Errorf("%s -json: %d %s%.200s", args, got.code, got.err, got.out)
		}
	}
	if got := f.berth(t, "alloc", "status", "-t", `{{.JobID | sprig_upper}} {{.Name}}`, "c0"); got.out != "WEB web.web[0]\n" {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "alloc", "status", "-json", "-t", "x", "c0"); got.code != 1 || !strings.Contains(got.err, "not allowed") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "alloc", "status", "-t", "{{.Nothing}}", "c0"); got.code != 1 || !strings.Contains(got.err, "Nothing") {
		t.Errorf("%+v", got)
	}
}

// typist is an exec on a terminal: when it knows the size it types Ctrl-C, and ends when that arrives as a key. Then it types once
// more, so that the read of the terminal that is under way ends.
func typist(t *testing.T, keys, terminal *os.File) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		send := func(o api.ExecOutput) {
			text, _ := json.Marshal(o)
			_ = conn.Write(r.Context(), websocket.MessageText, text)
		}
		for {
			_, text, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			var in api.ExecInput
			_ = json.Unmarshal(text, &in)
			switch {
			case in.TTYSize != nil:
				if v := termios(t, terminal); v.Lflag&unix.ICANON != 0 || v.Lflag&unix.ECHO != 0 {
					t.Error("the terminal is not raw")
				}
				send(api.ExecOutput{Stdout: &api.ExecData{Data: fmt.Appendf(nil, "%dx%d", in.TTYSize.Height, in.TTYSize.Width)}})
				_, _ = keys.Write([]byte{3})
			case in.Stdin != nil:
				send(api.ExecOutput{Stdout: &api.ExecData{Data: in.Stdin.Data}})
				_, _ = keys.Write([]byte("\n"))
				send(api.ExecOutput{Exited: true, Result: &api.ExecResult{ExitCode: 3}})
				_, _, _ = conn.Read(r.Context())
				return
			}
		}
	}
}
