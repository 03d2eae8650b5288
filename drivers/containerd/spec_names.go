package containerd

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"berth/drivers"
	"berth/drivers/containerd/taskconfig"
	"berth/internal/beneath"
)

// namesBytesMax bounds a hosts or resolv.conf file that lines are added to.
const namesBytesMax = 1 << 20

// names puts extra_hosts and dns_* into copies of the files the caller mounts, or into new ones.
func (in *specInput) names(own []specs.Mount) ([]specs.Mount, error) {
	edit := func(target string, change func(old string) string) error {
		i := slices.IndexFunc(own, func(m specs.Mount) bool { return m.Destination == target })
		old := ""
		if i >= 0 {
			b, err := readSource(own[i].Source)
			if err != nil {
				return namesError(target, err)
			}
			old = string(b)
		}
		file := filepath.Join(in.dir, path.Base(target))
		if err := os.WriteFile(file, []byte(change(old)), 0o644); err != nil {
			return fmt.Errorf("write the task's %s: %w", target, err)
		}
		if err := os.Chmod(file, 0o644); err != nil { // whatever the agent's umask is
			return fmt.Errorf("write the task's %s: %w", target, err)
		}
		m := bind(file, target, false, "rprivate")
		if i >= 0 {
			own[i] = m
		} else {
			own = append(own, m)
		}
		return nil
	}
	if len(in.tc.ExtraHosts) > 0 {
		err := edit("/etc/hosts", func(old string) string {
			if old == "" {
				old = "127.0.0.1 localhost\n::1 localhost\n"
			}
			for _, h := range in.tc.ExtraHosts {
				name, addr, _ := strings.Cut(h, ":")
				old += strings.Trim(addr, "[]") + " " + name + "\n"
			}
			return old
		})
		if err != nil {
			return nil, err
		}
	}
	if len(in.tc.DNSServers)+len(in.tc.DNSSearch)+len(in.tc.DNSOptions) > 0 {
		err := edit("/etc/resolv.conf", func(old string) string {
			return resolvConf(old, in.tc)
		})
		if err != nil {
			return nil, err
		}
	}
	return own, nil
}

// readSource reads a mount's source, which may be a task's: it may be anything, of any size.
func readSource(file string) ([]byte, error) {
	dir, err := beneath.OpenTree(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadFile(filepath.Base(file), namesBytesMax)
}

func namesError(target string, err error) error {
	if errors.Is(err, beneath.ErrNotRegular) || errors.Is(err, beneath.ErrTooBig) {
		return &drivers.StartError{Reason: fmt.Sprintf("nothing can be added to %s", target), Err: err,
			Hint: fmt.Sprintf("what the job mounts there must be a regular file of at most %d bytes, or extra_hosts and dns_* be removed", namesBytesMax)}
	}
	return fmt.Errorf("read the task's %s: %w", target, err)
}

// resolvConf replaces the kinds of lines the task sets and keeps the others.
func resolvConf(old string, tc *taskconfig.Config) string {
	var b strings.Builder
	for line := range strings.Lines(old) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "nameserver" && len(tc.DNSServers) > 0,
			(word == "search" || word == "domain") && len(tc.DNSSearch) > 0,
			word == "options" && len(tc.DNSOptions) > 0:
		default:
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	for _, s := range tc.DNSServers {
		b.WriteString("nameserver " + s + "\n")
	}
	if len(tc.DNSSearch) > 0 {
		b.WriteString("search " + strings.Join(tc.DNSSearch, " ") + "\n")
	}
	if len(tc.DNSOptions) > 0 {
		b.WriteString("options " + strings.Join(tc.DNSOptions, " ") + "\n")
	}
	return b.String()
}
