package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/go-sockaddr"
)

// addresses are what files say of where to listen and how to be reached.
type addresses struct {
	httpPort, rpcPort, serfPort int
	http, rpc, serf             string // to listen on; "" is bind_addr
	adRPC, adSerf               string // to tell others, with or without a port; "" follows from where it listens
}

// defaultBind is every address of the machine.
const defaultBind = "0.0.0.0"

func defaultAddresses() addresses {
	return addresses{httpPort: PortHTTP, rpcPort: PortRPC, serfPort: PortSerf}
}

// finish fills in what follows from the rest.
func (c *Config) finish(a addresses) error {
	or := func(text, other string) string {
		if text == "" {
			return other
		}
		return text
	}
	http := or(a.http, c.BindAddr)
	if a.http == "" && c.BindAddr == defaultBind && !c.TLS.HTTP {
		http = "127.0.0.1" // nobody said that others shall reach the API, and there is nothing to protect it
	}
	c.HTTPAddr = net.JoinHostPort(http, strconv.Itoa(a.httpPort))
	rpc, serf := or(a.rpc, c.BindAddr), or(a.serf, c.BindAddr)
	c.RPCBind, c.SerfBind = net.JoinHostPort(rpc, strconv.Itoa(a.rpcPort)), net.JoinHostPort(serf, strconv.Itoa(a.serfPort))
	if c.DataDir != "" {
		if abs, err := filepath.Abs(c.DataDir); err == nil {
			c.DataDir = abs
		}
	}
	var err error
	if c.RPCAddr, err = advertised("rpc", a.adRPC, rpc, a.rpcPort); err != nil {
		return err
	}
	c.SerfAddr, err = advertised("serf", a.adSerf, serf, a.serfPort)
	return err
}

// advertised is the address others are told: the one that was set, else the one that is listened on, else, when that is every
// address, the machine's private one.
func advertised(what, set, bind string, port int) (string, error) {
	if set != "" {
		host, text, err := net.SplitHostPort(set)
		if err != nil {
			host, text = set, strconv.Itoa(port)
		}
		if _, err := netip.ParseAddr(host); err != nil {
			return "", fmt.Errorf("advertise.%s = %q is not an address such as \"10.0.0.1\" or \"10.0.0.1:%d\"", what, set, port)
		}
		if n, err := strconv.ParseUint(text, 10, 16); err != nil || n == 0 {
			return "", fmt.Errorf("advertise.%s = %q: %q is not a port", what, set, text)
		}
		return net.JoinHostPort(host, text), nil
	}
	if ip, err := netip.ParseAddr(bind); err == nil && ip.IsUnspecified() {
		bind = ownAddress()
	}
	return net.JoinHostPort(bind, strconv.Itoa(port)), nil
}

// ownAddress is the machine's private address, else any other that can be reached, else loopback: nobody else reaches it then.
func ownAddress() string {
	if private, err := sockaddr.GetPrivateIP(); err == nil && private != "" {
		return private
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			return p.Addr().String()
		}
	}
	return "127.0.0.1"
}
