package jobspec

import (
	"strings"
	"testing"

	"berth/structs"
)

// checker is a driver whose config knows image, ports and mount blocks.
type checker struct{}

func (checker) CheckConfig(config map[string]any) structs.Faults {
	var faults structs.Faults
	for key, v := range config {
		switch key {
		case "image", "ports":
		case "mount":
			for i, m := range v.([]any) {
				if _, ok := m.(map[string]any)["target"]; !ok {
					faults = append(faults, structs.Fault{Path: "mount[" + string(rune('0'+i)) + "].target", Message: "the mount has no target"})
				}
				if kind, there := m.(map[string]any)["type"]; there && kind != "bind" {
					faults = append(faults, structs.Fault{Path: "mount[" + string(rune('0'+i)) + "].type", Message: "type must be bind"})
				}
			}
		default:
			faults = append(faults, structs.Fault{Path: key, Message: "docker has no " + key, Name: true})
		}
	}
	if config["image"] == nil {
		faults = append(faults, structs.Fault{Path: "image", Message: "the config has no image"})
	}
	return faults
}

// TestFaultsOfDriversStandInTheConfig: what the driver says is shown where it was written, in each form.
func TestFaultsOfDriversStandInTheConfig(t *testing.T) {
	opts := ParseOptions{Filename: "job.hcl", Drivers: map[string]structs.ConfigChecker{"docker": checker{}}}
	opts.Source = []byte(`job "j" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        imgae = "a"
        port_map {
          http = 80
        }
        mount {
          target = "/a"
          type   = "bind"
        }
        mount {
          type = "tree"
        }
      }
    }
  }
}
`)
	_, diags := Parse(opts)
	wantAt(t, diags, "5:7 the config has no image", "6:9 docker has no imgae", "7:9 docker has no port_map", "14:9 the mount has no target", "15:18 type must be bind")

	opts.Filename = "job.json"
	opts.Source = []byte(`{"job": {"j": {"group": {"g": {"task": {"t": {
"driver": "docker",
"config": {"imgae": "a", "mount": [
  {"target": "/a"},
  {"type": "tree"}]}
}}}}}}}`)
	_, diags = Parse(opts)
	wantAt(t, diags, "3:1 the config has no image", "3:21 docker has no imgae", "5:3 the mount has no target", "5:12 type must be bind")

	opts.Source = []byte(`{"ID": "j", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "docker",
"Config": {"image": "a", "extra": 1,
"mount": [{"target": "/a", "type": "x"}]}}]}]}`)
	_, diags = ParseJSON(opts)
	wantAt(t, diags, "docker has no extra", "type must be bind")
}

func wantAt(t *testing.T, diags Diagnostics, want ...string) {
	t.Helper()
	var have []string
	for _, d := range diags {
		have = append(have, d.Error())
		if d.Line == 0 {
			t.Errorf("no place: %s", d.Error())
		}
	}
	all := strings.Join(have, "\n")
	for _, w := range want {
		place, text, found := strings.Cut(w, " ")
		if !found || !strings.Contains(place, ":") {
			place, text = "", w
		}
		ok := false
		for _, h := range have {
			ok = ok || strings.Contains(h, ":"+place) && strings.Contains(h, text)
		}
		if !ok {
			t.Errorf("want %q in\n%s", w, all)
		}
	}
}
