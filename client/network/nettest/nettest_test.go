package nettest_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"berth/client/network/nettest"

	"github.com/vishvananda/netlink"
)

func TestMain(m *testing.M) { os.Exit(nettest.Main(m)) }

func TestMainIsolates(t *testing.T) {
	nettest.RequireIsolated(t)
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if name := link.Attrs().Name; name != "lo" && !strings.HasPrefix(name, "nt") && link.Type() != "sit" {
			t.Errorf("interface %s of the machine is seen", name)
		}
	}
}

func TestHostsAreCabledAndApart(t *testing.T) {
	nettest.RequireIsolated(t)
	t.Run("while it lasts", func(t *testing.T) {
		one, two := nettest.NewHost(t), nettest.NewHost(t)
		one.Connect("192.0.2.1/30", "192.0.2.2/30")
		two.Connect("192.0.2.5/30", "192.0.2.6/30")
		one.Connect("192.0.2.9/30", "192.0.2.10/30")
		one.DefaultRoute("192.0.2.1")
		var listener net.Listener
		if err := one.Run(func() (err error) {
			listener, err = net.Listen("tcp4", "192.0.2.10:80")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		conn, err := net.Dial("tcp4", "192.0.2.10:80")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if err := two.Run(func() error {
			conn, err := net.Dial("tcp4", "192.0.2.10:80")
			if err == nil {
				conn.Close()
				t.Error("reached a machine it has no cable to")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if strings.HasPrefix(link.Attrs().Name, "nt") {
			t.Errorf("cable %s is left", link.Attrs().Name)
		}
	}
}

func TestProcessRunsInsideAndEndsWithTheTest(t *testing.T) {
	nettest.RequireIsolated(t)
	var cmd *exec.Cmd
	t.Run("while it lasts", func(t *testing.T) {
		host := nettest.NewHost(t)
		host.Connect("192.0.2.1/30", "192.0.2.2/30")
		cmd = exec.Command("sh", "-c", "ip -o -4 addr show dev eth0; exec sleep 1000")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := host.Start(cmd); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(out).ReadString('\n')
		if !strings.Contains(line, "192.0.2.2/30") {
			t.Errorf("the process sees %q", line)
		}
	})
	if cmd.ProcessState == nil {
		t.Error("the process was not waited for")
	}
}
