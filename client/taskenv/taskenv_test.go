package taskenv

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

func input() Input {
	job := &structs.Job{ID: "web", Name: "web site", Meta: map[string]string{"who": "job", "from-job": "1"}, ParentID: "parent",
		ParameterizedJob: &structs.ParameterizedJobConfig{MetaOptional: []string{"absent"}}}
	task := &structs.Task{Name: "server", Meta: map[string]string{"who": "task"},
		Env: map[string]string{"LISTEN": "${NOMAD_PORT_http}", "ZONE": "${attr.platform.zone}-${meta.rack}", "SELF": "${SELF}", "my.var": "x"}}
	job.TaskGroups = []*structs.TaskGroup{{Name: "g", Meta: map[string]string{"who": "group"}, Tasks: []*structs.Task{task}}}
	id, _ := structs.ParseID("a1b2c3d4-0000-4000-8000-000000000001")
	return Input{
		Node: &structs.Node{ID: id, Name: "n1", Datacenter: "dc1", NodeClass: "fast", NodePool: "default", CgroupParent: "berth",
			Attributes: map[string]string{"platform.zone": "z1", "cpu.arch": "amd64"}, Meta: map[string]string{"rack": "r7"}},
		Region: "global", Task: task, Paths: PathsInImage(), AllocIP: "172.26.64.5", AllocInterface: "eth0",
		Alloc: &structs.Allocation{ID: id, Namespace: "default", JobID: "web", Job: job, TaskGroup: "g", Index: 2,
			AllocatedResources: &structs.AllocatedResources{
				Tasks: map[string]*structs.AllocatedTaskResources{"server": {
					Cpu:    structs.AllocatedCPUResources{CpuShares: 500, ReservedCores: []uint16{1, 2, 3, 5}},
					Memory: structs.AllocatedMemoryResources{MemoryMB: 256, MemoryMaxMB: 512}}},
				Shared: structs.AllocatedSharedResources{Ports: []structs.AllocatedPortMapping{
					{Label: "http", Value: 23456, To: 8080, HostIP: "10.0.0.1"}, {Label: "my-db", Value: 5432, HostIP: "::1"}}}},
		},
	}
}

func TestVariables(t *testing.T) {
	want := map[string]string{
		"NOMAD_ALLOC_DIR": "/alloc", "NOMAD_TASK_DIR": "/local", "NOMAD_SECRETS_DIR": "/secrets",
		"NOMAD_ALLOC_ID": "a1b2c3d4-0000-4000-8000-000000000001", "NOMAD_SHORT_ALLOC_ID": "a1b2c3d4", "NOMAD_ALLOC_NAME": "web.g[2]",
		"NOMAD_ALLOC_INDEX": "2", "NOMAD_TASK_NAME": "server", "NOMAD_GROUP_NAME": "g", "NOMAD_JOB_ID": "web", "NOMAD_JOB_NAME": "web site",
		"NOMAD_JOB_PARENT_ID": "parent", "NOMAD_DC": "dc1", "NOMAD_REGION": "global", "NOMAD_NAMESPACE": "default", "NOMAD_PARENT_CGROUP": "berth",
		"NOMAD_CPU_LIMIT": "500", "NOMAD_CPU_CORES": "1-3,5", "NOMAD_MEMORY_LIMIT": "256", "NOMAD_MEMORY_MAX_LIMIT": "512",
		"NOMAD_META_who": "task", "NOMAD_META_WHO": "task", "NOMAD_META_from_job": "1", "NOMAD_META_FROM_JOB": "1",
		"NOMAD_META_absent": "", "NOMAD_META_ABSENT": "",
		"NOMAD_IP_http": "10.0.0.1", "NOMAD_PORT_http": "8080", "NOMAD_ADDR_http": "10.0.0.1:23456", "NOMAD_HOST_IP_http": "10.0.0.1",
		"NOMAD_HOST_PORT_http": "23456", "NOMAD_HOST_ADDR_http": "10.0.0.1:23456", "NOMAD_ALLOC_IP_http": "172.26.64.5",
		"NOMAD_ALLOC_PORT_http": "8080", "NOMAD_ALLOC_ADDR_http": "172.26.64.5:8080", "NOMAD_ALLOC_INTERFACE_http": "eth0",
		"NOMAD_IP_my_db": "::1", "NOMAD_PORT_my_db": "5432", "NOMAD_ADDR_my_db": "[::1]:5432", "NOMAD_HOST_IP_my_db": "::1",
		"NOMAD_HOST_PORT_my_db": "5432", "NOMAD_HOST_ADDR_my_db": "[::1]:5432", "NOMAD_ALLOC_IP_my_db": "172.26.64.5",
		"NOMAD_ALLOC_PORT_my_db": "5432", "NOMAD_ALLOC_ADDR_my_db": "172.26.64.5:5432", "NOMAD_ALLOC_INTERFACE_my_db": "eth0",
		"LISTEN": "8080", "ZONE": "z1-r7", "SELF": "${SELF}", "my_var": "x",
	}
	got := New(input()).Map()
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Errorf("%s is %q (%v), want %q", k, g, ok, v)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s=%q is not wanted", k, got[k])
		}
	}
}

func TestOnTheMachinesNetworkThereIsNoOwnAddress(t *testing.T) {
	in := input()
	in.AllocIP, in.AllocInterface = "", ""
	for k := range New(in).Map() {
		if strings.HasPrefix(k, "NOMAD_ALLOC_IP_") || strings.HasPrefix(k, "NOMAD_ALLOC_PORT_") {
			t.Errorf("%s is set", k)
		}
	}
}

func TestReplace(t *testing.T) {
	e := New(input())
	for text, want := range map[string]string{
		"plain":                                "plain",
		"${node.unique.name}/${node.class}":    "n1/fast",
		"${ node.datacenter }":                 "dc1",
		`${attr["platform.zone"]}`:             "z1",
		`${meta["rack"]}`:                      "r7",
		`${env["NOMAD_TASK_NAME"]}`:            "server",
		"${NOMAD_META_who}":                    "task",
		"${nothing.known}":                     "${nothing.known}",
		"${attr.none} ${node.region}":          "${attr.none} global",
		"$${node.class}":                       "${node.class}",
		"${unclosed":                           "${unclosed",
		`${env["a}b"]}`:                        `${env["a}b"]}`,
		"${}":                                  "${}",
		"a${node.class}b${node.class}c$":       "afastbfastc$",
		"${NOMAD_ADDR_http}${NOMAD_ADDR_nope}": "10.0.0.1:23456${NOMAD_ADDR_nope}",
	} {
		if got := e.Replace(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestReplaceConfigChangesACopy(t *testing.T) {
	e := New(input())
	config := map[string]any{"image": "web:${meta.rack}", "args": []any{"${node.class}", int64(3)}, "labels": []any{map[string]any{"${node.class}": "${nope}"}}}
	got := e.ReplaceConfig(config)
	if got["image"] != "web:r7" || got["args"].([]any)[0] != "fast" || got["args"].([]any)[1] != int64(3) {
		t.Errorf("%v", got)
	}
	if m := got["labels"].([]any)[0].(map[string]any); !maps.Equal(m, map[string]any{"fast": "${nope}"}) {
		t.Errorf("%v", m)
	}
	if config["image"] != "web:${meta.rack}" || config["args"].([]any)[0] != "${node.class}" {
		t.Error("the job's own config was changed")
	}
	if e.ReplaceConfig(nil) != nil {
		t.Error("no config became one")
	}
}

func FuzzReplace(f *testing.F) {
	for _, s := range []string{"${node.class}", "$${x}", `${env["a"]}`, "${", "}${}{", `${attr["}"]}`} {
		f.Add(s)
	}
	e := New(input())
	f.Fuzz(func(t *testing.T, text string) {
		got := e.Replace(text)
		if !strings.Contains(text, "${") && got != text {
			t.Fatalf("%q without a reference became %q", text, got)
		}
	})
}

func TestPortsATaskAskedForItselfAreItsOwn(t *testing.T) {
	in := input()
	asks := func(labels ...string) *structs.Resources {
		nw := &structs.NetworkResource{}
		for _, l := range labels {
			nw.DynamicPorts = append(nw.DynamicPorts, structs.Port{Label: l})
		}
		return &structs.Resources{Networks: []*structs.NetworkResource{nw}}
	}
	in.Task.Resources = asks("http", "x-1")
	sibling := &structs.Task{Name: "side-car", Resources: asks("http")}
	in.Alloc.Job.TaskGroups[0].Tasks = []*structs.Task{in.Task, sibling}
	in.Alloc.AllocatedResources.Shared.Ports = []structs.AllocatedPortMapping{
		{Label: "http", Value: 1001, HostIP: "10.0.0.1"}, {Label: "x-1", Value: 1002, HostIP: "::1"},
		{Label: "http", Value: 1003, To: 80, HostIP: "10.0.0.1"}, {Label: "http", Value: 1004, HostIP: "10.0.0.1"},
	}
	got := New(in).Map()
	for k, want := range map[string]string{
		"NOMAD_PORT_http": "1001", "NOMAD_IPv4_http": "10.0.0.1", "NOMAD_IPv6_x_1": "::1", "NOMAD_ADDR_x_1": "[::1]:1002",
		"NOMAD_PORT_side_car_http": "80", "NOMAD_ADDR_side_car_http": "10.0.0.1:1003", "NOMAD_IP_side_car_http": "10.0.0.1",
	} {
		if got[k] != want {
			t.Errorf("%s is %q, want %q", k, got[k], want)
		}
	}
	in.Task = sibling
	got = New(in).Map()
	if got["NOMAD_PORT_http"] != "80" || got["NOMAD_PORT_server_http"] != "1001" || got["NOMAD_PORT_server_x_1"] != "1002" {
		t.Errorf("the sibling sees %v", got)
	}
}

// A text is the sequence of its pieces, each replaced or left on its own.
func TestReplaceGoesPieceByPiece(t *testing.T) {
	e := New(input())
	pieces := map[string]string{
		"${node.class}": "fast", `${attr["cpu.arch"]}`: "amd64", "${env.NOMAD_TASK_NAME}": "server", "${unknown}": "${unknown}",
		`${meta["none"]}`: `${meta["none"]}`, "$${node.class}": "${node.class}", "plain ": "plain ", "}": "}", "{": "{", `"`: `"`,
		"${ NOMAD_ALLOC_INDEX }": "2", "é": "é", "": "",
	}
	texts := slices.Sorted(maps.Keys(pieces))
	rapid.Check(t, func(t *rapid.T) {
		var text, want strings.Builder
		for _, p := range rapid.SliceOfN(rapid.SampledFrom(texts), 0, 12).Draw(t, "pieces") {
			text.WriteString(p)
			want.WriteString(pieces[p])
		}
		if got := e.Replace(text.String()); got != want.String() {
			t.Fatalf("%q becomes %q, want %q", text.String(), got, want.String())
		}
	})
}

// Values are never looked through again, so nothing a node or a job says can pull in something else.
func TestWhatAValueHoldsIsNotReplaced(t *testing.T) {
	in := input()
	in.Node.Meta["rack"] = "${node.class}$${x}"
	e := New(in)
	if got := e.Replace("${meta.rack}"); got != "${node.class}$${x}" {
		t.Errorf("got %q", got)
	}
}

func FuzzEnvironment(f *testing.F) {
	f.Add("http", "${NOMAD_PORT_http}", "a.b")
	f.Add("", "$${", "=\x00")
	f.Fuzz(func(t *testing.T, label, value, key string) {
		in := input()
		in.Task.Env = map[string]string{key: value}
		in.Task.Meta[key] = value
		in.Alloc.AllocatedResources.Shared.Ports[0].Label = label
		for k := range New(in).Map() {
			if strings.ContainsAny(k, "=\x00 .-") {
				t.Fatalf("%q is no name of a variable", k)
			}
		}
	})
}
