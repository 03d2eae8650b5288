package pki

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Times of a renewal that did not succeed.
const (
	renewRetryMin = 5 * time.Second
	renewRetryMax = 15 * time.Minute
	// renewLook is the longest a renewer sleeps: a clock that was set forward is noticed within it.
	renewLook = 5 * time.Minute
)

// RenewConfig is what a renewer needs. All but Dir and Now must be set.
type RenewConfig struct {
	Source *Source
	// Dir is where the files are kept; empty keeps nothing.
	Dir string
	// Ask sends a request (DER) to a server and gives the chain and the trusted roots in PEM form.
	Ask    func(ctx context.Context, csr []byte) (chain, roots []byte, err error)
	Now    func() time.Time // nil is time.Now
	Logger hclog.Logger
}

// Renewer gets a new certificate when half of the old one's life is over, and tries again until it has it.
type Renewer struct {
	cfg RenewConfig
}

// NewRenewer makes a renewer; Run works.
func NewRenewer(cfg RenewConfig) *Renewer {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Renewer{cfg: cfg}
}

// Run renews until ctx is done.
func (r *Renewer) Run(ctx context.Context) error {
	var retry time.Duration
	for {
		wait, err := r.wait()
		if err != nil {
			return err
		}
		wait = min(wait, renewLook)
		if retry > 0 {
			wait = retry
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if wait, err = r.wait(); err != nil {
			return err
		}
		if wait > 0 && retry == 0 {
			continue
		}
		if err := r.Renew(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			retry = min(max(2*retry, renewRetryMin), renewRetryMax)
			r.complain(err, retry)
			continue
		}
		retry = 0
	}
}

func (r *Renewer) wait() (time.Duration, error) {
	c, err := r.cfg.Source.Current()
	if err != nil {
		return 0, fmt.Errorf("renew the certificate: %w", err)
	}
	return max(c.RenewAt().Sub(r.cfg.Now()), 0), nil
}

func (r *Renewer) complain(err error, retry time.Duration) {
	c, cerr := r.cfg.Source.Current()
	if cerr != nil {
		return
	}
	log := r.cfg.Logger.Warn
	if left := c.Leaf().NotAfter.Sub(r.cfg.Now()); left < c.Leaf().NotAfter.Sub(c.RenewAt())/2 {
		log = r.cfg.Logger.Error
	}
	log("certificate not renewed", "error", err, "valid_until", utc(c.Leaf().NotAfter), "retry_in", retry)
}

// Renew gets a new certificate now. The new credentials are on the disk before they are used.
func (r *Renewer) Renew(ctx context.Context) error {
	old, err := r.cfg.Source.Current()
	if err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	if old.Foreign {
		return errors.New("renew the certificate: it was given in the configuration, and is renewed there")
	}
	key, csr, err := NewRequest()
	if err != nil {
		return err
	}
	chain, roots, err := r.cfg.Ask(ctx, csr)
	if err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	c, err := Accept(key, chain, roots, old.ID, r.cfg.Now())
	if err != nil {
		return err
	}
	if r.cfg.Dir != "" {
		if err := c.Save(r.cfg.Dir); err != nil {
			return err
		}
	}
	r.cfg.Source.Replace(c)
	r.cfg.Logger.Info("certificate renewed", "valid_until", utc(c.Leaf().NotAfter), "root", DigestOf(c.Trusted.roots[0]).String())
	return nil
}
