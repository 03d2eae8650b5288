package jobspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"berth/structs"
)

func TestNamespacesAndPoolsAreRead(t *testing.T) {
	want := &structs.Namespace{Name: "dev", Description: "for tests", Meta: map[string]string{"team": "a", "n": "3"},
		Capabilities: &structs.NamespaceCapabilities{EnabledTaskDrivers: []string{"containerd"}, DisabledNetworkModes: []string{"host"}}}
	for name, src := range map[string]string{
		"block.hcl": "name = \"dev\"\ndescription = \"for tests\"\ncapabilities {\n  enabled_task_drivers = [\"containerd\"]\n  disabled_network_modes = [\"host\"]\n}\nmeta {\n  team = \"a\"\n  n = 3\n}\n",
		"map.hcl":   "name = \"dev\"\ndescription = \"for tests\"\ncapabilities {\n  enabled_task_drivers = [\"containerd\"]\n  disabled_network_modes = [\"host\"]\n}\nmeta = { team = \"a\", n = 3 }\n",
		"j.json":    `{"name":"dev","description":"for tests","capabilities":{"enabled_task_drivers":["containerd"],"disabled_network_modes":["host"]},"meta":{"team":"a","n":"3"}}`,
	} {
		got, diags := Namespace(name, []byte(src))
		if diags.HasErrors() {
			t.Errorf("%s: %v", name, diags.Err())
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	pool, diags := NodePool("p.hcl", []byte("node_pool \"gpu\" {\n  description = \"cards\"\n  meta {\n    a = \"b\"\n  }\n  scheduler_config {\n    scheduler_algorithm = \"spread\"\n  }\n}\n"))
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	if d := cmp.Diff(&structs.NodePool{Name: "gpu", Description: "cards", Meta: map[string]string{"a": "b"},
		SchedulerConfiguration: &structs.NodePoolSchedulerConfiguration{SchedulerAlgorithm: "spread"}}, pool); d != "" {
		t.Error(d)
	}
	for src, want := range map[string]string{
		"":                                       "name",
		"name = [":                               "",
		"name = \"x\"\nnmae = 1":                 "nmae",
		"name = \"x\"\nquota {}":                 "quota",
		"name = \"x\"\nmeta {\n a = [1]\n}":      "meta holds texts",
		"name = " + strings.Repeat("(", 100_000): "",
	} {
		if _, diags := Namespace("x.hcl", []byte(src)); !diags.HasErrors() || !strings.Contains(diags.Err().Error(), want) {
			t.Errorf("%.40q: %v", src, diags.Err())
		}
	}
	if _, diags := NodePool("x.hcl", []byte("description = \"no block\"")); !diags.HasErrors() {
		t.Error("a pool without its block was read")
	}
}

func FuzzNamespace(f *testing.F) {
	f.Add("x.hcl", []byte("name = \"dev\"\nmeta {\n a = 1\n}"))
	f.Add("x.json", []byte(`{"name":"dev","meta":{"a":"b"}}`))
	f.Fuzz(func(_ *testing.T, name string, src []byte) {
		_, _ = Namespace(name, src)
		_, _ = NodePool(name, src)
	})
}
