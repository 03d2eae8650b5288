package containerd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"berth/drivers"
	"berth/drivers/containerd/taskconfig"
)

type pullRequest struct {
	ref, registry string
	auth          *taskconfig.Auth
	softFail      bool
	timeout       time.Duration
	progress      func(drivers.Progress)
}

// progressEvery is how often a pull is told of.
const progressEvery = 250 * time.Millisecond

// pull fetches and unpacks an image. Tasks that want the same image with the same credentials share one pull.
func (d *Driver) pull(ctx context.Context, c *client.Client, req pullRequest) (client.Image, error) {
	if req.timeout == 0 {
		req.timeout = d.cfg.PullTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, req.timeout)
	defer cancel()
	key := req.ref
	if req.auth != nil {
		key += "\x00" + req.auth.Username + "\x00" + req.auth.Password + "\x00" + req.auth.ServerAddress
	}
	f := d.flights.join(ctx, key, func(ctx context.Context, state *pullState) (client.Image, error) {
		return d.fetch(ctx, c, req, state)
	})
	defer d.flights.leave(key, f)
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.done:
			if f.err != nil {
				return nil, pullError(req.ref, req.registry, f.err)
			}
			return f.image, nil
		case <-ctx.Done():
			return nil, pullError(req.ref, req.registry, ctx.Err())
		case <-tick.C:
			if req.progress != nil {
				req.progress(f.state.progress(ctx, c, req.ref))
			}
		}
	}
}

func (d *Driver) fetch(ctx context.Context, c *client.Client, req pullRequest, state *pullState) (client.Image, error) {
	started := time.Now()
	httpClient := &http.Client{Transport: registryTransport(), CheckRedirect: boundRedirects}
	defer httpClient.CloseIdleConnections()
	auth := req.auth
	img, err := c.Pull(ctx, req.ref, d.pullOptions(httpClient, req, auth, state)...)
	if err != nil && auth != nil && req.softFail && refused(err) {
		img, err = c.Pull(ctx, req.ref, d.pullOptions(httpClient, req, nil, state)...)
	}
	if err != nil {
		return nil, err
	}
	d.log.Info("image pulled", "image", req.ref, "digest", img.Target().Digest.String(), "duration", time.Since(started))
	return img, nil
}

func (d *Driver) pullOptions(httpClient *http.Client, req pullRequest, auth *taskconfig.Auth, state *pullState) []client.RemoteOpt {
	authOpts := []docker.AuthorizerOpt{docker.WithAuthClient(httpClient)}
	if auth != nil {
		authOpts = append(authOpts, docker.WithAuthCreds(func(string) (string, string, error) {
			return auth.Username, auth.Password, nil
		}))
	}
	resolver := docker.NewResolver(docker.ResolverOptions{Hosts: docker.ConfigureDefaultRegistries(
		docker.WithClient(httpClient), docker.WithPlainHTTP(docker.MatchLocalhost),
		docker.WithAuthorizer(docker.NewDockerAuthorizer(authOpts...)))})
	return []client.RemoteOpt{
		client.WithResolver(resolver), client.WithPullUnpack, client.WithPullSnapshotter(snapshotter),
		client.WithMaxConcurrentDownloads(3),
		client.WithImageHandlerWrapper(func(h images.Handler) images.Handler { return state.watch((&imageLimits{}).wrap(h)) }),
	}
}

// registryTransport never connects to link-local addresses, where clouds keep their metadata: a registry's redirect must
// not reach it with the node's rights.
func registryTransport() *http.Transport {
	t := docker.DefaultHTTPTransport(nil)
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err == nil && ap.Addr().Unmap().IsLinkLocalUnicast() {
			return fmt.Errorf("registries at link-local addresses such as %s are not used", ap.Addr())
		}
		return nil
	}}
	t.DialContext = dialer.DialContext
	t.ResponseHeaderTimeout = 60 * time.Second
	return t
}

func boundRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("the registry redirects more than 10 times")
	}
	return nil
}

// pullState is what a pull knows of its size.
type pullState struct {
	mu    sync.Mutex // guards the fields below
	sizes map[string]int64
	refs  map[string]bool
	ended map[string]bool
}

// watch notes every blob that is handled.
func (s *pullState) watch(h images.Handler) images.Handler {
	return images.HandlerFunc(func(ctx context.Context, desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		id := desc.Digest.String()
		s.note(ctx, desc)
		children, err := h.Handle(ctx, desc)
		s.mu.Lock()
		if err == nil {
			s.ended[id] = true
		}
		s.mu.Unlock()
		for _, c := range children {
			s.note(ctx, c)
		}
		return children, err
	})
}

func (s *pullState) note(ctx context.Context, desc ocispec.Descriptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes[desc.Digest.String()] = desc.Size
	s.refs[remotes.MakeRefKey(ctx, desc)] = true
}

func (s *pullState) progress(ctx context.Context, c *client.Client, ref string) drivers.Progress {
	s.mu.Lock()
	p := drivers.Progress{Phase: "pulling"}
	all := len(s.sizes) > 0
	for id, size := range s.sizes {
		p.Total += size
		if s.ended[id] {
			p.Current += size
		} else {
			all = false
		}
	}
	refs := make(map[string]bool, len(s.refs))
	for r := range s.refs {
		refs[r] = true
	}
	s.mu.Unlock()
	if all {
		p.Phase = "unpacking"
	} else {
		p.Current += ingested(ctx, c.ContentStore(), refs)
	}
	p.Current = min(p.Current, p.Total)
	p.Message = fmt.Sprintf("%s image %s", p.Phase, ref)
	return p
}
