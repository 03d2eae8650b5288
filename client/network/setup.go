package network

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"berth/client/network/netns"
)

// Setup gives the allocation the network it asks for, all of it or nothing. Setting up again what is there repairs what is
// missing and answers the same; the namespace of running tasks is never replaced. The bridge and the tables are made when
// the first allocation in ModeBridge comes.
func (m *Manager) Setup(ctx context.Context, req Request) (*Result, error) {
	if err := req.validate(); err != nil {
		return nil, fmt.Errorf("network of allocation %q: %w", req.AllocID, err)
	}
	m.world.RLock()
	defer m.world.RUnlock()
	defer m.allocs.lock(req.AllocID)()
	res, err := m.setup(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("network of allocation %s: %w", req.AllocID, err)
	}
	return res, nil
}

func (m *Manager) setup(ctx context.Context, req Request) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.load(); err != nil {
		return nil, err
	}
	if !req.needsAnything() {
		return &Result{}, nil
	}
	r, err := m.reserve(req)
	if err != nil {
		return nil, err
	}
	m.markCurrent(req.AllocID)
	running := netns.Exists(m.cfg.netNSPath(req.AllocID))
	var res *Result
	if err = m.cfg.writeRecord(r); err == nil {
		res, err = m.buildWithRules(ctx, r)
	}
	if err != nil && !running {
		// Why also when ctx is done: all or nothing.
		return nil, errors.Join(err, m.demolish(req.AllocID))
	}
	if err != nil {
		return nil, err
	}
	if r.IP.IsValid() {
		m.purge(staleFlows{shadowed: udpPorts(req.Ports)}, req.AllocID)
	}
	return res, nil
}

// needsAnything is false for an allocation in the machine's namespace that brings no names of its own.
func (r Request) needsAnything() bool {
	return r.Mode != ModeHost || r.Hostname != "" || !r.DNS.empty() || len(r.ExtraHosts) > 0
}

// buildWithRules is build with the rules beside it. Why at once: both mostly wait, for the kernel and for nft, and rules
// for an interface that is still to come do no harm.
func (m *Manager) buildWithRules(ctx context.Context, r record) (*Result, error) {
	var res *Result
	var errBuild, errRules error
	var both sync.WaitGroup
	if elements := r.elements(m.cfg.Bridge); elements != nil {
		both.Go(func() { errRules = m.rules.set(r.Request.AllocID, elements) })
	}
	res, errBuild = m.build(ctx, r)
	both.Wait()
	return res, errors.Join(errBuild, errRules)
}

// build makes everything of the record but the rules. It changes nothing that is as it should be.
func (m *Manager) build(ctx context.Context, r record) (*Result, error) {
	id := r.Request.AllocID
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	res := &Result{}
	if r.Request.Mode != ModeHost {
		res.NetNS = m.cfg.netNSPath(id)
		if !netns.Exists(res.NetNS) {
			if err := netns.Create(res.NetNS, setUpLoopback); err != nil {
				return nil, err
			}
		}
	}
	if r.Request.Mode == ModeBridge {
		if err := m.connect(ctx, r, res); err != nil {
			return nil, err
		}
	}
	return res, m.writeFiles(r, res)
}

// connect joins the namespace to the bridge.
func (m *Manager) connect(ctx context.Context, r record, res *Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bridge, err := m.ensureBridge()
	if err != nil {
		return err
	}
	if _, err := m.cfg.ensureVeth(bridge, r.Request.AllocID, res.NetNS, r.IP); err != nil {
		return err
	}
	res.Interface, res.IP, res.Gateway = interfaceName, r.IP.String(), m.cfg.gateway().String()
	return nil
}

// writeFiles writes resolv.conf and hosts.
func (m *Manager) writeFiles(r record, res *Result) error {
	host, err := readResolvConf(m.resolvConf)
	if err != nil {
		return err
	}
	if host == nil {
		host = &resolvConf{}
	}
	upstream, err := readResolvConf(m.upstreamConf)
	if err != nil {
		return err
	}
	text, note := resolvConfFor(r.Request, *host, upstream)
	if note != "" {
		res.Notes = append(res.Notes, note)
	}
	dir := m.cfg.allocDir(r.Request.AllocID)
	res.ResolvConf, res.Hosts = filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "hosts")
	return errors.Join(
		writeFile(res.ResolvConf, text),
		writeFile(res.Hosts, hostsFor(r.Request, r.IP)),
	)
}
