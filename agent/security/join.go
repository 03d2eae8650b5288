package security

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

// Waits between attempts to reach a server.
const (
	retryMin = time.Second
	retryMax = 30 * time.Second
)

// joinWithToken gets the first certificate.
func (s *Security) joinWithToken(ctx context.Context) error {
	tok, err := pki.ParseToken(s.cfg.Token)
	if err != nil {
		return err
	}
	if tok.Role != s.cfg.Role {
		return &structs.Error{Op: "join with token", Subject: tok.ID.Short(), Kind: structs.KindInvalid,
			Err:  fmt.Errorf("the token is for a %s, and this agent is a %s", tok.Role, s.cfg.Role),
			Hint: "`berth operator join-token create -role " + string(s.cfg.Role) + "` on a server prints the right one"}
	}
	return s.join(ctx, transport.JoinConfig{Token: tok, ID: s.cfg.ID, Addresses: s.Servers(), Dial: s.cfg.Dial, Now: s.cfg.Now})
}

// comeBack gets a new certificate for one that has ended; with a token at hand that is used when the cluster wants one.
func (s *Security) comeBack(ctx context.Context, ended *pki.Credentials) error {
	err := s.join(ctx, transport.JoinConfig{Ended: ended, ID: s.cfg.ID, Addresses: s.Servers(), Dial: s.cfg.Dial, Now: s.cfg.Now})
	if err != nil && s.cfg.Token != "" && structs.KindOf(err) == structs.KindUnauthorised {
		return s.joinWithToken(ctx)
	}
	return err
}

// join asks until a server answers, and keeps what it says.
func (s *Security) join(ctx context.Context, cfg transport.JoinConfig) error {
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		j, err := transport.Join(ctx, cfg)
		if err == nil {
			return s.keep(j)
		}
		if k := structs.KindOf(err); k != structs.KindUnavailable && k != structs.KindNoLeader || ctx.Err() != nil {
			return err
		}
		s.log.Warn("no server lets this machine join yet", "error", err, "retry_in", wait)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

// keep writes what was got; the certificate comes last.
func (s *Security) keep(j *transport.Joined) error {
	if got := j.Credentials.ID.Region; got != s.cfg.Region {
		return &structs.Error{Op: "join the cluster", Kind: structs.KindConflict, Err: fmt.Errorf("it is region %q, and this agent is configured for region %q", got, s.cfg.Region),
			Hint: fmt.Sprintf("set region = %q (-region=%s), or take a token of a server of region %q", got, got, s.cfg.Region)}
	}
	if j.ClusterKey != nil {
		if err := j.ClusterKey.SaveKey(s.cfg.Dir); err != nil {
			return err
		}
		s.key = j.ClusterKey
	} else if s.cfg.Role == pki.RoleServer {
		return errors.New("join the cluster: the answer lacks the cluster's key")
	}
	if err := s.Learn(j.Servers); err != nil {
		return err
	}
	if err := j.Credentials.Save(s.cfg.Dir); err != nil {
		return err
	}
	s.source.Replace(j.Credentials)
	s.log.Info("this machine joined the cluster", "identity", j.Credentials.ID.String(), "servers", j.Servers)
	return nil
}
