package authority

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"berth/internal/pki"
	"berth/state"
	"berth/structs"
)

// look is how often the authority looks at what time brings: ends of roots, tokens and its own certificate.
const look = 5 * time.Minute

// keepExpired is how long an expired token is kept so that its user is told that it expired.
const keepExpired = 24 * time.Hour

// Run keeps this server's certificate and files in step with the state and does the leader's part, until ctx is done.
func (a *Authority) Run(ctx context.Context) error {
	for {
		snap := a.cfg.Host.State().Snapshot()
		_, changed := snap.AuthorityRootsW()
		_, regions := snap.RegionsW()
		if err := a.step(ctx, snap); err != nil && ctx.Err() == nil {
			a.log.Warn("certificates are not up to date", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-regions:
		case <-time.After(a.wait(snap)):
		}
	}
}

// wait is short until there is a root, and not long while there are other regions: they are told within it what changed.
func (a *Authority) wait(snap *state.Snapshot) time.Duration {
	if snap.ActiveRoot() == nil {
		return 100 * time.Millisecond
	}
	for range snap.Regions() {
		return tellLook
	}
	return look
}

func (a *Authority) step(ctx context.Context, snap *state.Snapshot) error {
	if a.cfg.Host.IsLeader() {
		if err := a.lead(ctx, snap); err != nil {
			return err
		}
		snap = a.cfg.Host.State().Snapshot()
	}
	if err := a.own(snap); err != nil || !a.cfg.Host.IsLeader() {
		return err
	}
	return a.tell(ctx, snap)
}

// lead is the leader's part.
func (a *Authority) lead(ctx context.Context, snap *state.Snapshot) error {
	now := a.cfg.Now()
	switch r := snap.ActiveRoot(); {
	case r == nil && a.cfg.First != nil:
		a.log.Info("the cluster's first root is stored", "root", a.cfg.First.Digest().String())
		return a.add(ctx, a.cfg.First, "", 0)
	case r == nil:
		return nil // the server that has it leads one day, or the certificates are not ours
	default:
		cert, err := parseRoot(r)
		if err != nil {
			return err
		}
		if cert.NotAfter.Sub(now) < a.cfg.Ages.RootSpare {
			if _, err := a.Rotate(ctx, false); err != nil {
				return fmt.Errorf("replace the root before it ends: %w", err)
			}
		}
	}
	var over []string
	for r := range snap.AuthorityRoots() {
		if !r.Active && now.UnixNano() > r.RetireAt {
			over = append(over, r.ID)
		}
	}
	if len(over) > 0 {
		a.log.Info("roots are retired", "roots", over)
		if _, err := a.cfg.Host.Propose(ctx, structs.CmdAuthorityRootDelete, &structs.NameDeleteCommand{Names: over}); err != nil {
			return err
		}
	}
	var expired []structs.ID
	for t := range snap.JoinTokens() {
		if now.UnixNano() > t.ExpiresAt+int64(keepExpired) {
			expired = append(expired, t.ID)
		}
	}
	if len(expired) > 0 {
		if err := a.RevokeTokens(ctx, expired...); err != nil {
			return err
		}
	}
	return a.forgetRevocations(ctx, snap, now)
}

// add stores a root as the active one.
func (a *Authority) add(ctx context.Context, r *pki.Root, previous string, retire int64) error {
	sealed, err := a.cfg.Key.SealKey(r)
	if err != nil {
		return err
	}
	stored := &structs.AuthorityRoot{ID: rootID(r.Cert), Certificate: r.Cert.Raw, SealedKey: sealed, CreatedAt: a.cfg.Now().UnixNano()}
	if r.Cross != nil {
		stored.Cross = r.Cross.Raw
	}
	_, err = a.cfg.Host.Propose(ctx, structs.CmdAuthorityRoot, &structs.AuthorityRootCommand{Root: stored, Previous: previous, RetireAt: retire})
	return err
}

// Rotate makes a new root and the active one; the one before is trusted until the last certificate it issued has ended. Alone
// makes a root that the one before does not certify: for a key that cannot be opened. Only on the leader.
func (a *Authority) Rotate(ctx context.Context, alone bool) (string, error) {
	snap := a.cfg.Host.State().Snapshot()
	before := snap.ActiveRoot()
	if before == nil {
		return "", &structs.Error{Op: "rotate the root", Kind: structs.KindUnavailable, Err: errors.New("the cluster has no root of its own: its certificates are those of the tls configuration")}
	}
	var previous *pki.Root
	if !alone {
		var err error
		if previous, err = a.active(snap); err != nil {
			return "", err
		}
	}
	now := a.cfg.Now()
	next, err := pki.NewRoot(a.cfg.Region, now, previous)
	if err != nil {
		return "", err
	}
	retire := now.Add(a.cfg.Ages.Leaf + pki.Backdate).UnixNano()
	if err := a.add(ctx, next, before.ID, retire); err != nil {
		return "", err
	}
	a.log.Info("a new root issues certificates", "root", next.Digest().String(), "before", before.ID)
	return rootID(next.Cert), nil
}

// own renews this server's certificate when its life is half over or the roots have changed, and keeps the root in a file so
// that the server can issue its own certificate when it starts after all have ended.
func (a *Authority) own(snap *state.Snapshot) error {
	if snap.ActiveRoot() == nil {
		return nil
	}
	root, err := a.active(snap)
	if err != nil {
		return err
	}
	trusted, err := a.trusted(snap, root)
	if err != nil {
		return err
	}
	creds, err := a.cfg.Source.Current()
	if err != nil {
		return err
	}
	if a.cfg.Dir != "" && a.saved != root.Digest() {
		if err := a.cfg.Key.SaveRoot(a.cfg.Dir, root); err != nil {
			return err
		}
		a.saved = root.Digest()
	}
	if creds.Trusted.Equal(trusted) && a.cfg.Now().Before(creds.RenewAt()) && creds.Leaf().CheckSignatureFrom(root.Cert) == nil {
		return nil
	}
	fresh, err := SelfIssue(root, trusted, creds.ID, a.cfg.Now(), a.cfg.Ages.Leaf)
	if err != nil {
		return err
	}
	if a.cfg.Dir != "" {
		if err := fresh.Save(a.cfg.Dir); err != nil {
			return err
		}
	}
	a.cfg.Source.Replace(fresh)
	a.log.Debug("own certificate renewed", "valid_until", fresh.Leaf().NotAfter.UTC().Format(time.RFC3339))
	return nil
}

// SelfIssue makes a server's own credentials of a root it has.
func SelfIssue(root *pki.Root, trusted *pki.Bundle, id pki.Identity, now time.Time, ttl time.Duration) (*pki.Credentials, error) {
	key, der, err := pki.NewRequest()
	if err != nil {
		return nil, err
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, err
	}
	chain, err := root.Issue(csr, id, now, ttl)
	if err != nil {
		return nil, err
	}
	return pki.NewCredentials(chain, key, trusted)
}

func rootID(c *x509.Certificate) string {
	d := pki.DigestOf(c)
	return fmt.Sprintf("%x", d[:])
}

func parseRoot(r *structs.AuthorityRoot) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read root %s: %w", r.ID, err)
	}
	return c, nil
}
