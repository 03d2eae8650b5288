package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Scope says what of the machine belongs to one agent: other things come and go and are not looked at.
type Scope struct {
	Host   *Host
	Dir    string // everything of the agent lies below it: its files, its mounts; its processes name it
	Cgroup string // the cgroup parent
	Bridge string
}

// Traces lists what an agent has put into the kernel, one line each: processes, mounts, cgroups, interfaces, namespaces, nftables
// tables. Sorted; empty on a clean machine.
func Traces(s Scope) ([]string, error) {
	var all []string
	for _, look := range []func(Scope) ([]string, error){processes, mounts, cgroups, interfaces, namespaces, tables} {
		found, err := look(s)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return all, nil
}

// processes finds programs whose command line names the agent's folder, and programs inside its cgroups.
func processes(s Scope) ([]string, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if pid == os.Getpid() {
			continue
		}
		line, _ := os.ReadFile(dir + "/cmdline")
		groups, _ := os.ReadFile(dir + "/cgroup")
		text := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
		if strings.Contains(text, s.Dir) || strings.Contains(string(groups), "/"+s.Cgroup) {
			found = append(found, fmt.Sprintf("process %d: %s", pid, text))
		}
	}
	return found, nil
}

// mounts finds mounts below the agent's folder, other than the namespace it runs in, and those of its tasks.
func mounts(s Scope) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 5 {
			continue
		}
		at := words[4]
		if s.Host != nil && at == s.Host.Path() {
			continue
		}
		if strings.HasPrefix(at, s.Dir+"/") || strings.HasPrefix(at, "/run/berth/netns/"+s.Bridge+"/") {
			found = append(found, "mount "+at)
		}
	}
	return found, lines.Err()
}

// cgroups finds the agent's cgroups in every hierarchy.
func cgroups(s Scope) ([]string, error) {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/" + s.Cgroup, "/sys/fs/cgroup/*/" + s.Cgroup} {
		tops, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, top := range tops {
			err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				if err == nil && d.IsDir() {
					found = append(found, "cgroup "+path)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// interfaces finds what the agent added to its machine's own two and loopback.
func interfaces(s Scope) ([]string, error) {
	if s.Host == nil {
		return nil, nil
	}
	names, err := s.Host.Links()
	var found []string
	for _, n := range names {
		if n != "lo" && n != "eth0" && n != "uplink" {
			found = append(found, "interface "+n)
		}
	}
	return found, err
}

// namespaces finds what is left of the allocations' network namespaces: files, mounted or not.
func namespaces(s Scope) ([]string, error) {
	files, err := filepath.Glob("/run/berth/netns/" + s.Bridge + "/*")
	for i := range files {
		files[i] = "network namespace " + files[i]
	}
	return files, err
}

// tables finds nftables tables in the agent's machine.
func tables(s Scope) ([]string, error) {
	if s.Host == nil {
		return nil, nil
	}
	out, err := s.Host.Output("nft", "list", "tables")
	var found []string
	for _, line := range strings.Split(out, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, line)
		}
	}
	return found, err
}
