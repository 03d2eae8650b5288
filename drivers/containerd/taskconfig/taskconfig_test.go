package taskconfig

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

type m = map[string]any

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct {
		raw  m
		want Config
	}{
		"a tag that stays": {m{"image": "r.example:5000/a:1"}, Config{Image: "r.example:5000/a:1", PullPolicy: PullMissing}},
		"a port is no tag": {m{"image": "r.example:5000/a"}, Config{Image: "r.example:5000/a", PullPolicy: PullNewest}},
		"latest":           {m{"image": "a:latest"}, Config{Image: "a:latest", PullPolicy: PullNewest}},
		"latest, missing":  {m{"image": "a:latest", "image_pull_policy": "missing"}, Config{Image: "a:latest", PullPolicy: PullMissing}},
		"a digest":         {m{"image": "a:latest@sha256:x"}, Config{Image: "a:latest@sha256:x", PullPolicy: PullMissing}},
		"least":            {m{"image": "redis:7"}, Config{Image: "redis:7", PullPolicy: PullMissing}},
		"command": {
			m{"image": "a", "command": "/bin/x", "args": []any{"-a", int64(3), true}, "entrypoint": []any{"/init"}},
			Config{Image: "a", Command: "/bin/x", Args: []string{"-a", "3", "true"}, Entrypoint: []string{"/init"}, EntrypointSet: true, PullPolicy: PullNewest},
		},
		"a scheme people copy": {m{"image": "docker://redis"}, Config{Image: "redis", PullPolicy: PullNewest}},
		"force_pull is a policy": {
			m{"image": "a", "force_pull": true, "image_pull_timeout": "3m"},
			Config{Image: "a", PullPolicy: PullAlways, ImagePullTimeout: 3 * time.Minute},
		},
		"auth": {
			m{"image": "a", "auth": []any{m{"username": "u", "password": "p", "email": "e@x"}}},
			Config{Image: "a", PullPolicy: PullNewest, Auth: &Auth{Username: "u", Password: "p"}},
		},
		"mounts": {
			m{"image": "a", "mount": []any{m{"type": "tmpfs", "target": "/tmp", "tmpfs_options": []any{m{"size": int64(8192)}}}},
				"mounts": []any{m{"type": "bind", "source": "local/x", "target": "/x", "readonly": true, "bind_options": []any{m{"propagation": "rslave"}}}}},
			Config{Image: "a", PullPolicy: PullNewest, Mounts: []Mount{
				{Type: "tmpfs", Target: "/tmp", SizeBytes: 8192},
				{Type: "bind", Source: "local/x", Target: "/x", ReadOnly: true, Propagation: "rslave"},
			}},
		},
		"capabilities in every spelling": {
			m{"image": "a", "cap_add": []any{"net_raw", "CAP_SYS_TIME"}, "cap_drop": []any{"all"}},
			Config{Image: "a", PullPolicy: PullNewest, CapAdd: []string{"NET_RAW", "SYS_TIME"}, CapDrop: []string{"ALL"}},
		},
		"ulimits": {
			m{"image": "a", "ulimit": []any{m{"nofile": "1024:2048", "nproc": int64(10), "core": "-1"}}},
			Config{Image: "a", PullPolicy: PullNewest, Ulimits: []Ulimit{{"core", -1, -1}, {"nofile", 1024, 2048}, {"nproc", 10, 10}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(c.want)
			if string(a) != string(b) && !equalButEmpty(got, &c.want) {
				t.Fatalf("got  %s\nwant %s", a, b)
			}
			if faults := (Checker{}).CheckConfig(c.raw); len(faults) != 0 {
				t.Fatalf("the checker refuses what can be decoded: %v", faults)
			}
		})
	}
}

// equalButEmpty treats empty and nil lists and maps alike.
func equalButEmpty(a, b *Config) bool {
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range va.NumField() {
		x, y := va.Field(i), vb.Field(i)
		if k := x.Kind(); (k == reflect.Slice || k == reflect.Map) && x.Len() == 0 && y.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			return false
		}
	}
	return true
}

func TestEveryFaultIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		raw  m
		want []string // "path: text", in order
	}{
		"nothing":                              {m{}, []string{"image: required, but not set"}},
		"a slip":                               {m{"image": "a", "comand": "x"}, []string{`comand: unknown key (did you mean "command"?)`}},
		"wrong kinds":                          {m{"image": "a", "args": "x y", "privileged": "perhaps", "pids_limit": "many"}, []string{"args:", "privileged:", "pids_limit:"}},
		"refused":                              {m{"image": "a", "logging": []any{m{"type": "syslog"}}}, []string{"logging: not supported: the agent collects"}},
		"several":                              {m{"image": "a b", "work_dir": "x", "network_mode": "macvlan"}, []string{"image:", "work_dir:", "network_mode:"}},
		"in a mount":                           {m{"image": "a", "mount": []any{m{"type": "bind", "target": "/x"}}}, []string{"mount[0].source: required for a bind mount"}},
		"named volume":                         {m{"image": "a", "mount": []any{m{"type": "volume", "target": "/x"}}}, []string{"mount[0].type: found \"volume\""}},
		"contradiction":                        {m{"image": "a", "force_pull": true, "image_pull_policy": "never"}, []string{"force_pull: contradicts"}},
		"load outside":                         {m{"image": "a", "load": "../../x.tar"}, []string{"load: found"}},
		"no capability":                        {m{"image": "a", "cap_add": []any{"FLY"}}, []string{"cap_add[0]: found"}},
		"limits":                               {m{"image": "a", "ulimit": m{"nofile": "9:1", "files": "1"}}, []string{"ulimit.files: unknown limit", "ulimit.nofile: found"}},
		"another's pids":                       {m{"image": "a", "pid_mode": "container:x"}, []string{"pid_mode: found \"container:x\""}},
		"a user namespace":                     {m{"image": "a", "userns_mode": "private"}, []string{"userns_mode: found \"private\""}},
		"renaming the host":                    {m{"image": "a", "uts_mode": "host", "hostname": "x"}, []string{"hostname: contradicts"}},
		"hiding from the out-of-memory killer": {m{"image": "a", "oom_score_adj": -1000}, []string{"oom_score_adj: found -1000, allowed: 0 to 1000"}},
		"an init":                              {m{"image": "a", "init": true}, []string{"init: not supported"}},
		"a bad address":                        {m{"image": "a", "extra_hosts": []any{"x"}, "dns_servers": []any{"here"}}, []string{"dns_servers[0]:", "extra_hosts[0]:"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(c.raw)
			var faults structs.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("got %v, want faults", err)
			}
			text := faults.Error()
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("%q is not told in:\n%s", w, text)
				}
			}
			if len(faults) != len(c.want) {
				t.Errorf("%d faults, want %d:\n%s", len(faults), len(c.want), text)
			}
		})
	}
}

func TestInterpolationsPassTheCheckerOnly(t *testing.T) {
	raw := m{"image": "web:${NOMAD_META_version}", "privileged": "${meta.privileged}", "pids_limit": "${meta.pids}",
		"network_mode": "${meta.mode}", "work_dir": "${NOMAD_TASK_DIR}/x", "ulimit": m{"nofile": "${meta.files}"}}
	if faults := (Checker{}).CheckConfig(raw); len(faults) != 0 {
		t.Errorf("refused: %v", faults)
	}
	if _, err := Decode(raw); err == nil {
		t.Error("what was not resolved is accepted at start")
	}
}

func TestEveryKeyOfTheSchemaIsReadOrRefused(t *testing.T) {
	for _, k := range Schema() {
		if k.Refused != "" {
			continue
		}
		_, err := Decode(m{"image": "a", k.Name: struct{}{}}) // a value of no kind
		if err == nil {
			t.Errorf("%s: a value of no kind is accepted: nobody reads the key", k.Name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"image":"redis:7","args":["a",1],"mount":[{"type":"bind","source":"a","target":"b"}],"ulimit":{"nofile":"1:2"}}`)
	f.Add(`{"image":"${x}","auth":[{"username":1}],"labels":[{"a":"b"},{"c":2}],"shm_size":1e99}`)
	f.Fuzz(func(t *testing.T, text string) {
		var raw m
		if json.Unmarshal([]byte(text), &raw) != nil {
			return
		}
		_, err := Decode(raw)
		faults := (Checker{}).CheckConfig(raw)
		if err == nil && len(faults) > 0 {
			t.Fatalf("can be decoded, yet the checker says %v", faults)
		}
	})
}
