package acl

import (
	"slices"
	"strings"
	"testing"
)

func TestShorthandsStandForWhatTheContractSays(t *testing.T) {
	for block, words := range modelShorthands {
		k := map[string]kind{"namespace": namespaceKind, "node_pool": poolKind, "host_volume": hostVolumeKind}[block]
		for word, names := range words {
			var want Caps
			for name := range strings.FieldsSeq(names) {
				if k.words[name] == 0 {
					t.Errorf("%s: capability %q is unknown", block, name)
				}
				want |= k.words[name]
			}
			if got := k.policy[word]; got != want {
				t.Errorf("%s policy %q: %b, not %b", block, word, got, want)
			}
		}
		if len(words) != len(k.policy) {
			t.Errorf("%s: %d words of policy, the contract has %d", block, len(k.policy), len(words))
		}
	}
	var seen Caps
	for name, c := range namespaceKind.words {
		if c.Len() != 1 || seen&c != 0 {
			t.Errorf("capability %s is not one of its own", name)
		}
		seen |= c
	}
	if want := []string{"list-jobs", "submit-job"}; !slices.Equal((ListJobs | SubmitJob).Of(), want) {
		t.Errorf("names %v", (ListJobs | SubmitJob).Of())
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":            "the policy has no rule",
		"# nothing\n": "the policy has no rule",
		`{"namespace": {"default": {"policy": "read"}}}`:                            "HCL, not JSON",
		`namespace { policy = "read" }`:                                             `policy:1:1: namespace needs a name`,
		`namespace "a" "b" { policy = "read" }`:                                     `takes one name, not 2`,
		`namespace "" { policy = "read" }`:                                          `"" is no name of a namespace`,
		`namespace "a.b" { policy = "read" }`:                                       `"a.b" is no name of a namespace`,
		"namespace \"a\" {\n  polcy = \"read\"\n}":                                  `policy:2:3: unknown key "polcy" in namespace (did you mean "policy"?)`,
		`namespace "a" { policy = "reed" }`:                                         `policy = "reed" is unknown in namespace: use "deny", "read", "scale", "write"`,
		`namespace "a" { capabilities = ["submit-jobs"] }`:                          `did you mean "submit-job"?`,
		`namespace "a" { capabilities = "submit-job" }`:                             `capabilities is a list`,
		`namespace "a" { capabilities = [5] }`:                                      `a capability is a text in double quotes`,
		`namespace "a" { policy = read }`:                                           `policy is a text in double quotes`,
		`namespace "a" { policy = "${x}" }`:                                         `cannot stand in a policy`,
		`namespace "a" { policy = lower("READ") }`:                                  `cannot stand in a policy`,
		`namespace "a" { policy = ["read"] }`:                                       `policy is a text in double quotes`,
		"namespace \"a\" {\n variables {\n path { capabilities = [] }\n }\n}":       `path needs a name`,
		"namespace \"a\" {\n variables { policy = \"read\" }\n}":                    `unknown key "policy" in variables`,
		`namespace "a" { variables = "x" }`:                                         `variables is a block`,
		"namespace \"a\" {\n variables \"x\" { }\n}":                                `variables has no name`,
		"namespace \"a\" {\n secrets { }\n}":                                        `unknown block "secrets" in namespace`,
		"namespace \"a\" {\n variables {\n path \"p\" { policy = \"read\" }\n }\n}": `unknown key "policy" in path`,
		`namespaces "a" { policy = "read" }`:                                        `unknown block "namespaces" (did you mean "namespace"?)`,
		`node "n" { policy = "read" }`:                                              `node has no name`,
		`node { }`:                                                                  `node grants nothing`,
		`node { policy = "list" }`:                                                  `policy = "list" is unknown in node`,
		`node = "read"`:                                                             `node is a block`,
		`namespace = "read"`:                                                        `namespace is a block: write namespace "NAME"`,
		`agent { policy = "read" capabilities = [] }`:                               `must end with a closing brace`,
		"agent {\n policy = \"read\"\n capabilities = []\n}":                        `unknown key "capabilities" in agent`,
		`operator { capabilities = ["snapshot-restore"] }`:                          `capability "snapshot-restore" is unknown in operator`,
		`operator { }`:                               `operator grants nothing`,
		`nodes { policy = "read" }`:                  `unknown block "nodes" (did you mean "node"?)`,
		`policy = "read"`:                            `unknown key "policy"`,
		`namespace "a" {`:                            `policy:1:15: Unclosed configuration block`,
		"namespace \"a\" { policy = <<E\nread\nE\n}": `cannot stand in a policy`,
		"\x00":                      `policy:1:1`,
		strings.Repeat("[", 50_000): `than`,
		"x = " + strings.Repeat("-", 10_000) + "1":                    `cannot stand in a policy`,
		"x = " + strings.Repeat("[", 100) + strings.Repeat("]", 100):  `brackets are open`,
		strings.Repeat("a", MaxBytes+1):                               `at most 65536 are taken`,
		strings.Repeat("node{}\n", 9_000):                             `words and signs`,
		strings.Repeat("node {\n policy = \"read\"\n}\n", maxRules+1): `more than 1000 rules`,
		strings.Repeat("nod { }\n", 30):                               `and 20 more`,
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// TestPoliciesOfTheFieldAreRead: whole policies as people write them.
func TestPoliciesOfTheFieldAreRead(t *testing.T) {
	p, err := Parse(`
# developers
namespace "default" {
  policy       = "read"
  capabilities = ["submit-job", "dispatch-job", "read-logs"]
  variables {
    path "nomad/jobs/*" {
      capabilities = ["read", "list"]
    }
    path "secret/*" { capabilities = ["deny"] }
  }
}
namespace "prod-*" { policy = "deny" }
node_pool "gpu" { policy = "read" }
host_volume "ca-certificates" { policy = "read" }
node { policy = "read" }
agent { policy = "write" }
operator {
  policy = "read"
  capabilities = ["snapshot-save"]
}
plugin { policy = "list" }
quota { policy = "read" }
sentinel { policy = "read" }
`)
	if err != nil {
		t.Fatal(err)
	}
	a := Compile([]*Policy{p})
	for what, ok := range map[string]bool{
		"submit":          a.Namespace("default", SubmitJob),
		"read":            a.Namespace("default", ReadJob),
		"no exec":         !a.Namespace("default", AllocExec),
		"one of several":  a.Namespace("default", ReadFS|ReadLogs),
		"denied":          !a.Namespace("prod-1", ReadJob) && !a.SeesNamespace("prod-1"),
		"elsewhere":       !a.Namespace("other", ReadJob),
		"variable":        a.Variable("default", "nomad/jobs/web", VariableRead),
		"variable write":  !a.Variable("default", "nomad/jobs/web", VariableWrite),
		"variable secret": !a.Variable("default", "secret/x", VariableRead|VariableList),
		"pool":            a.NodePool("gpu", PoolRead) && !a.NodePool("gpu", PoolWrite) && a.AnyNodePool(PoolRead),
		"volume":          a.HostVolume("ca-certificates", MountReadOnly) && !a.HostVolume("ca-certificates", MountReadWrite),
		"node":            a.Node(LevelRead) && !a.Node(LevelWrite),
		"agent":           a.Agent(LevelWrite) && a.Agent(LevelRead),
		"operator":        a.Operator(LevelRead) && !a.Operator(LevelWrite) && a.OperatorMay(SnapshotSave) && !a.OperatorMay(KeyringRead),
		"plugin":          a.Plugin(LevelList) && !a.Plugin(LevelRead),
		"quota":           a.Quota(LevelRead),
	} {
		if !ok {
			t.Error(what)
		}
	}
	if m := Management(); !m.Namespace("x", PurgeJob) || !m.Node(LevelWrite) || !m.OperatorMay(SnapshotSave) || !m.Variable("x", "y", VariableDestroy) || !m.IsManagement() {
		t.Error("management may not do everything")
	}
	if none := Compile(nil); none.Namespace("default", ^Caps(0)) || none.Node(LevelList) || none.AnyNamespace(^Caps(0)) || none.AnyNodePool(^Caps(0)) {
		t.Error("no policy grants something")
	}
}

func TestACompiledPolicyIsKept(t *testing.T) {
	var c Cache
	src := []Source{{"p", `node { policy = "read" }`}}
	a, err := c.Compile(src)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := c.Compile([]Source{{"other name", src[0].Rules}}); b != a {
		t.Error("the same rules are compiled twice")
	}
	if b, _ := c.Compile(nil); b == a || b.Node(LevelRead) {
		t.Error("no rules are taken for some")
	}
	if _, err := c.Compile([]Source{src[0], {"bad", `nodes { }`}}); err == nil || !strings.Contains(err.Error(), `policy "bad" cannot be read`) {
		t.Errorf("a policy that cannot be read: %v", err)
	}
	for i := range maxCached + 10 {
		if _, err := c.Compile([]Source{{"p", src[0].Rules + strings.Repeat("\n", i+1)}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.acl) > maxCached {
		t.Errorf("%d are kept", len(c.acl))
	}
}

// FuzzParse: no text breaks the reader, and what it takes can be compiled and asked.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", `namespace "a*" { policy = "read" }`, "node {\n policy = \"write\"\n}", `namespace "a" { variables { path "p/*" { capabilities = ["read"] } } }`,
		`operator { capabilities = ["snapshot-save"] }`, "\"", "[[[[", "x = -1", "namespace \"\" {}", "/* ", "a = \"\\u00e9\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		a := Compile([]*Policy{p})
		if a.IsManagement() {
			t.Error("a policy makes a manager")
		}
		for _, n := range p.Namespaces {
			if n.Caps&Deny != 0 && a.Namespace(n.Glob, ^Caps(0)) && !strings.Contains(n.Glob, "*") {
				t.Errorf("%q is denied and granted", n.Glob)
			}
		}
		a.Variable("a", "b", VariableRead)
	})
}

func BenchmarkDecision(b *testing.B) {
	p, err := Parse(`namespace "team-*" { policy = "read" }` + "\n" + `namespace "*" { capabilities = ["list-jobs"] }` + "\n" + `namespace "default" { policy = "write" }`)
	if err != nil {
		b.Fatal(err)
	}
	a := Compile([]*Policy{p})
	b.ReportAllocs()
	for b.Loop() {
		if !a.Namespace("default", SubmitJob) || a.Namespace("team-a", SubmitJob) {
			b.Fatal("wrong")
		}
	}
}
