package pki_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/pki"
)

// world is a cluster's root and one machine whose certificate is renewed.
type world struct {
	mu      sync.Mutex // guards what follows
	root    *pki.Root
	trusted []*pki.Root
	source  *pki.Source
	asked   []time.Time
	down    bool
}

func newWorld(t *testing.T) *world {
	w := &world{root: newRoot(t, time.Now(), nil)}
	w.trusted = []*pki.Root{w.root}
	w.source = pki.NewSource(issue(t, w.root, id(pki.RoleClient), time.Now(), pki.LeafTTL, pki.NewBundle(w.root.Cert)))
	return w
}

func (w *world) ask(_ context.Context, der []byte) (chain, roots []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, time.Now())
	if w.down {
		return nil, nil, errors.New("no server answers")
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, nil, err
	}
	old, err := w.source.Current()
	if err != nil {
		return nil, nil, err
	}
	c, err := w.root.Issue(csr, old.ID, time.Now(), pki.LeafTTL)
	b := pki.NewBundle(w.root.Cert)
	for _, r := range w.trusted {
		b = pki.NewBundle(append(b.Roots(), r.Cert)...)
	}
	return pki.EncodeChain(c), b.PEM(), err
}

func (w *world) run(t *testing.T) (r *pki.Renewer, stop func()) {
	r = pki.NewRenewer(pki.RenewConfig{Source: w.source, Ask: w.ask, Logger: hclog.NewNullLogger()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, sync.OnceFunc(func() { cancel(); <-done })
}

func TestACertificateIsRenewedAtHalfItsLifeForAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, stop := w.run(t)
		defer stop()
		for range 365 {
			time.Sleep(24 * time.Hour)
			c, err := w.source.Current()
			if err != nil || pki.CheckTimes(c.Leaf(), time.Now()) != nil {
				t.Fatalf("at %s the certificate is that until %s", time.Now(), c.Leaf().NotAfter)
			}
		}
		stop()
		if n := len(w.asked); n < 725 || n > 735 {
			t.Errorf("renewed %d times in a year, about 730 expected", n)
		}
	})
}

func TestARenewalIsTriedAgainUntilAServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.down = true // before anything runs
		_, stop := w.run(t)
		defer stop()
		time.Sleep(20 * time.Hour)
		w.mu.Lock()
		n := len(w.asked)
		w.down = false
		w.mu.Unlock()
		if n < 30 || n > 60 {
			t.Errorf("asked %d times in 8 hours without a server", n)
		}
		time.Sleep(16 * time.Minute)
		if c, _ := w.source.Current(); time.Until(c.Leaf().NotAfter) < 23*time.Hour {
			t.Errorf("not renewed after the servers came back: valid until %s", c.Leaf().NotAfter)
		}
	})
}

func TestARotationReachesAMachineWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, stop := w.run(t)
		defer stop()
		second := newRoot(t, time.Now(), w.root)
		w.mu.Lock()
		w.trusted, w.root = append(w.trusted, second), second
		w.mu.Unlock()
		time.Sleep(13 * time.Hour) // more than half of a certificate's life
		c, err := w.source.Current()
		if err != nil || c.Trusted.Find(second.Digest()) == nil || len(c.Trusted.Roots()) != 2 {
			t.Fatalf("after it was renewed it trusts %v, %v", c.Trusted.Roots(), err)
		}
		w.mu.Lock()
		w.trusted = []*pki.Root{second} // the old root is retired
		w.mu.Unlock()
		time.Sleep(13 * time.Hour)
		if c, _ = w.source.Current(); len(c.Trusted.Roots()) != 1 {
			t.Errorf("it still trusts %d roots", len(c.Trusted.Roots()))
		}
	})
}
