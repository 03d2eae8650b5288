package structs

func (c *checker) checkIdentities(p *place, t *Task) {
	if t.Identity != nil {
		at := p.in("Identity")
		if t.Identity.TTL != 0 {
			c.fault(at.in("TTL"), "the default identity has no ttl").Hint = "give the identity a name of its own"
		}
		c.checkIdentity(at, t.Identity)
	}
	seen := map[string]bool{}
	for i, w := range t.Identities {
		at := p.item("Identities", i)
		if seen[w.Name] || (w.Name == DefaultIdentity && t.Identity != nil) {
			c.fault(at.in("Name"), "identity %q is there twice", clip(w.Name))
		}
		seen[w.Name] = true
		c.checkIdentity(at, w)
		if len(w.Audience) == 0 {
			c.warn(at.in("Audience"), "identity %q has no aud; whoever gets its token may use it anywhere", clip(w.Name))
		} else if len(w.Audience) > 1 {
			c.warn(at.in("Audience"), "identity %q has several audiences; any of them can use the token at the others", clip(w.Name))
		}
		if w.TTL == 0 {
			c.warn(at.in("TTL"), "identity %q has no ttl; its token never ends", clip(w.Name))
		}
	}
}

// checkServiceIdentity checks the one identity of a service, which needs no name.
func (c *checker) checkServiceIdentity(p *place, w *WorkloadIdentity) {
	if len(w.Audience) == 0 {
		c.fault(p.in("Audience"), "the identity of a service needs aud")
	}
	if w.Name != "" {
		c.checkIdentityName(p, w)
	}
	c.checkIdentityUse(p, w)
}

func (c *checker) checkIdentity(p *place, w *WorkloadIdentity) {
	c.checkIdentityName(p, w)
	c.checkIdentityUse(p, w)
}

func (c *checker) checkIdentityName(p *place, w *WorkloadIdentity) {
	if !word(w.Name, 128, "") {
		c.fault(p.in("Name"), "identity name %q must be 1 to 128 letters, digits, - or _", clip(w.Name))
	}
}

// checkIdentityUse checks how the token reaches the task.
func (c *checker) checkIdentityUse(p *place, w *WorkloadIdentity) {
	c.oneOf(p.in("ChangeMode"), "change_mode", w.ChangeMode, "", ChangeModeNoop, ChangeModeSignal, ChangeModeRestart)
	if w.ChangeMode == ChangeModeSignal {
		c.checkSignal(p.in("ChangeSignal"), "change_signal", w.ChangeSignal)
	} else if w.ChangeSignal != "" {
		c.fault(p.in("ChangeSignal"), `change_signal needs change_mode = "signal"`)
	}
	if w.Env && w.TTL > 0 && w.ChangeMode != ChangeModeRestart {
		c.warn(p.in("Env"), "identity %q is in the environment, which a running task does not see renewed", clip(w.Name)).Hint = `write change_mode = "restart"`
	}
	if w.Filepath != "" {
		if !w.File {
			c.fault(p.in("Filepath"), "filepath needs file = true")
		}
		if escapes("task", w.Filepath) {
			c.fault(p.in("Filepath"), "filepath %q leads out of the allocation's directory", clip(w.Filepath))
		}
	}
	if w.TTL < 0 {
		c.fault(p.in("TTL"), "ttl is %s; it must be more than 0", durationText(w.TTL))
	}
}

// Secret providers that are built in.
const (
	SecretProviderNomad = "nomad"
	SecretProviderVault = "vault"
)

func (c *checker) checkSecrets(p *place, secrets []*Secret) {
	seen := map[string]bool{}
	for i, s := range secrets {
		at := p.item("Secrets", i)
		switch {
		case !word(s.Name, 128, "") || containsByte(s.Name, '-'):
			c.fault(at.in("Name"), "secret name %q must be 1 to 128 letters, digits or _", clip(s.Name))
		case seen[s.Name]:
			c.fault(at.in("Name"), "secret %q is there twice", clip(s.Name))
		}
		seen[s.Name] = true
		if s.Path == "" {
			c.fault(at.in("Path"), "secret %q has no path", clip(s.Name))
		}
		switch s.Provider {
		case "":
			c.fault(at.in("Provider"), "secret %q has no provider", clip(s.Name)).Hint = `write provider = "nomad" for Berth's variables`
		case SecretProviderVault:
			c.fault(at.in("Provider"), `provider "vault" needs a Vault cluster, which Berth does not talk to`).Hint = `keep the value as a variable and write provider = "nomad"`
		case SecretProviderNomad:
			if len(s.Env) > 0 {
				c.fault(at.in("Env"), "env is for secrets plugins; provider %q is built in", s.Provider)
			}
			for _, k := range sortedKeys(s.Config) {
				if k != "namespace" {
					c.fault(at.key("Config", k), `provider "nomad" has no config %q; it has "namespace"`, clip(k))
				}
			}
		default:
			if len(s.Config) > 0 {
				c.fault(at.in("Config"), "config is for built-in providers; %q is a plugin", clip(s.Provider)).Hint = "write env { ... }"
			}
		}
	}
}

func containsByte(s string, b byte) bool {
	for i := range len(s) {
		if s[i] == b {
			return true
		}
	}
	return false
}
