package structs

import (
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// escapes reports a path that, joined to the directory, leads out of the allocation. A task's directory lies one level
// below the allocation's, so `../alloc/data` stays inside. References resolved on the node count as one step down; the
// node checks again.
func escapes(dir, file string) bool {
	for {
		from := strings.Index(file, "${")
		if from < 0 {
			break
		}
		to := strings.Index(file[from:], "}")
		if to < 0 {
			break
		}
		file = file[:from] + "x" + file[from+to+1:]
	}
	clean := path.Join(dir, file)
	return clean == ".." || strings.HasPrefix(clean, "../")
}

func (c *checker) checkArtifacts(p *place, artifacts []*TaskArtifact) {
	for i, a := range artifacts {
		at := p.item("Artifacts", i)
		if val(a.GetterSource) == "" {
			c.fault(at.in("GetterSource"), "the artifact has no source").Hint = `write source = "https://..."`
		}
		c.oneOf(at.in("GetterMode"), "mode", val(a.GetterMode), "any", "file", "dir")
		if escapes("task", val(a.RelativeDest)) {
			c.fault(at.in("RelativeDest"), "destination %q leads out of the allocation's directory", clip(val(a.RelativeDest)))
		}
		if sum, ok := a.GetterOptions["checksum"]; ok {
			if err := checkChecksum(sum); err != nil {
				c.fault(at.key("GetterOptions", "checksum"), "checksum: %v", err)
			}
		}
	}
}

// checkChecksum wants `type:hex`, `file:url`, or bare hex whose length names the type.
func checkChecksum(sum string) error {
	if strings.Contains(sum, "${") {
		return nil
	}
	lengths := map[string]int{"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
	kind, digits, ok := strings.Cut(sum, ":")
	if kind == "file" {
		return nil
	}
	raw, err := hex.DecodeString(digits)
	want, known := lengths[kind]
	switch {
	case !ok:
		return fmt.Errorf(`%q must be written as "<type>:<hex>"`, clip(sum))
	case !known:
		return fmt.Errorf("type %q is not known; use md5, sha1, sha256 or sha512", clip(kind))
	case err != nil:
		return fmt.Errorf("%q is not hexadecimal", clip(digits))
	case len(raw) != want:
		return fmt.Errorf("a %s has %d hexadecimal digits, this one has %d", kind, 2*want, len(digits))
	}
	return nil
}

func (c *checker) checkTemplates(p *place, templates []*Template) {
	if len(templates) > c.limits.MaxTemplates {
		c.fault(p.in("Templates"), "the task has %d templates; at most %d are allowed", len(templates), c.limits.MaxTemplates)
		return
	}
	seen := map[string]bool{}
	for i, t := range templates {
		at := p.item("Templates", i)
		dest := val(t.DestPath)
		switch {
		case dest == "":
			c.fault(at.in("DestPath"), "the template has no destination").Hint = `write destination = "local/file"`
		case escapes("task", dest):
			c.fault(at.in("DestPath"), "destination %q leads out of the allocation's directory", clip(dest))
		case seen[path.Clean(dest)]:
			c.fault(at.in("DestPath"), "destination %q is written by another template of the task", clip(dest))
		}
		seen[path.Clean(dest)] = true
		c.checkTemplate(at, t)
	}
}

func (c *checker) checkTemplate(p *place, t *Template) {
	if val(t.SourcePath) == "" && val(t.EmbeddedTmpl) == "" {
		c.fault(p.in("EmbeddedTmpl"), "the template has neither data nor source").Hint = "write data = <<EOF ... EOF"
	} else if val(t.SourcePath) != "" && val(t.EmbeddedTmpl) != "" {
		c.fault(p.in("EmbeddedTmpl"), "the template has data and source").Hint = "keep one of the two"
	}
	c.checkTemplateText(p.in("EmbeddedTmpl"), t)
	c.oneOf(p.in("ChangeMode"), "change_mode", val(t.ChangeMode), ChangeModeRestart, ChangeModeNoop, ChangeModeSignal, ChangeModeScript)
	switch val(t.ChangeMode) {
	case ChangeModeSignal:
		c.checkSignal(p.in("ChangeSignal"), "change_signal", val(t.ChangeSignal))
		if val(t.Envvars) {
			c.fault(p.in("Envvars"), `env = true cannot be used with change_mode = "signal"`).Hint = "a running process does not see a new environment; restart it"
		}
	case ChangeModeScript:
		if t.ChangeScript == nil || val(t.ChangeScript.Command) == "" {
			c.fault(p.in("ChangeScript"), `change_mode is "script", but there is no change_script with a command`)
		}
	}
	if s := t.ChangeScript; s != nil && val(s.Command) == "" && val(t.ChangeMode) != ChangeModeScript {
		c.fault(p.in("ChangeScript").in("Command"), "the change_script has no command").Hint = "remove the block, or write change_mode = \"script\" and the command"
	}
	atLeast(c, p.in("Splay"), "splay", t.Splay, 0, "")
	if n, err := strconv.ParseUint(val(t.Perms), 8, 12); err != nil || n > 0o7777 {
		c.fault(p.in("Perms"), "perms %q is not an octal file mode", clip(val(t.Perms))).Hint = `write perms = "0644"`
	}
	for _, id := range []struct {
		field, attr string
		n           *int
	}{{"Uid", "uid", t.Uid}, {"Gid", "gid", t.Gid}} {
		atLeast(c, p.in(id.field), id.attr, id.n, -1, "")
	}
	if w := t.Wait; w != nil {
		atLeast(c, p.in("Wait").in("Min"), "min", w.Min, 0, "")
		if val(w.Max) < val(w.Min) {
			c.fault(p.in("Wait").in("Max"), "max is %s, less than min, which is %s", durationText(val(w.Max)), durationText(val(w.Min)))
		}
	}
	if val(t.VaultGrace) > 0 {
		c.warn(p.in("VaultGrace"), "vault_grace is no longer used and ignored").Hint = "remove it"
	}
}
