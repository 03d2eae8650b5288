package network

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// TakenPort is a port that a process of this machine listens on already.
type TakenPort struct {
	Port     Port
	Protocol string
	// Listening is the address the holder listens on.
	Listening netip.AddrPort
	// PID and Command name the holder; 0 and "" when /proc does not tell.
	PID     int
	Command string
}

// String is one sentence for the user, with the fix.
func (t TakenPort) String() string {
	holder := "another process"
	if t.PID != 0 {
		holder = fmt.Sprintf("%s (pid %d)", t.Command, t.PID)
	}
	return fmt.Sprintf("%s port %d (port %q) is taken: %s listens on %s; stop it, or choose another port in the job's network block",
		t.Protocol, t.Port.Host, t.Port.Label, holder, t.Listening)
}

// TakenPorts looks which of the ports a process listens on already, in the order of the ports; the client asks before it
// starts a task. It sees the calling process's network namespace. What cannot be read counts as free.
func TakenPorts(ports []Port) ([]TakenPort, error) { return takenPorts("/proc", ports) }

func takenPorts(proc string, ports []Port) ([]TakenPort, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	listening := map[string][]socket{}
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open(filepath.Join(proc, "self/net", name))
		if err != nil {
			continue // no IPv6 in this kernel, for example
		}
		found, err := parseSockets(f, strings.HasPrefix(name, "tcp"))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name(), err)
		}
		key := strings.TrimSuffix(name, "6")
		listening[key] = append(listening[key], found...)
	}
	var taken []TakenPort
	inodes := map[uint64][]int{}
	for _, p := range ports {
		addr, err := p.hostAddr()
		if err != nil {
			return nil, err
		}
		for _, proto := range p.protocols() {
			for _, s := range listening[proto] {
				if s.holds(addr, p.Host) {
					inodes[s.inode] = append(inodes[s.inode], len(taken))
					taken = append(taken, TakenPort{Port: p, Protocol: proto, Listening: s.addr})
					break
				}
			}
		}
	}
	if len(taken) > 0 {
		nameHolders(proc, inodes, taken)
	}
	return taken, nil
}

// socket is a line of /proc/net/tcp and its kin.
type socket struct {
	addr  netip.AddrPort
	inode uint64
}

// holds reports whether the socket keeps the port on the address (invalid: every local one) from being used.
func (s socket) holds(addr netip.Addr, port int) bool {
	if int(s.addr.Port()) != port {
		return false
	}
	have := s.addr.Addr().Unmap()
	// A socket on :: takes IPv4 too, unless it says otherwise, which /proc does not show.
	return !addr.IsValid() && have.Is4() || have.IsUnspecified() || have == addr
}

// parseSockets reads the sockets that wait for others: listening ones of TCP, unconnected ones of UDP.
func parseSockets(r io.Reader, tcp bool) ([]socket, error) {
	const stateListen, stateUnconnected = "0A", "07"
	want := stateUnconnected
	if tcp {
		want = stateListen
	}
	var out []socket
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) < 10 || fields[3] != want {
			continue
		}
		addr, err := parseHexAddr(fields[1])
		if err != nil {
			continue
		}
		inode, err := strconv.ParseUint(fields[9], 10, 64)
		if err != nil {
			continue
		}
		out = append(out, socket{addr, inode})
	}
	return out, scanner.Err()
}

// parseHexAddr reads "0100007F:1F90": words of the address in the machine's byte order, then the port.
func parseHexAddr(text string) (netip.AddrPort, error) {
	addrText, portText, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(addrText)
	if err != nil || (len(raw) != 4 && len(raw) != 16) {
		return netip.AddrPort{}, fmt.Errorf("socket address %q is not 4 or 16 bytes in hexadecimal", text)
	}
	port, err := strconv.ParseUint(portText, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("socket port in %q: %w", text, err)
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr, uint16(port)), nil
}

// nameHolders looks through the open files of all processes for the sockets.
func nameHolders(proc string, inodes map[uint64][]int, taken []TakenPort) {
	links, _ := filepath.Glob(filepath.Join(proc, "[0-9]*/fd/*"))
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue
		}
		number, ok := strings.CutPrefix(target, "socket:[")
		inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
		if !ok || err != nil {
			continue
		}
		for _, i := range inodes[inode] {
			dir := filepath.Dir(filepath.Dir(link))
			taken[i].PID, _ = strconv.Atoi(filepath.Base(dir))
			comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
			taken[i].Command = strings.TrimSpace(string(comm))
		}
	}
}
