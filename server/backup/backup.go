package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/server/archive"
)

// MinEvery is the shortest time between two snapshots.
const MinEvery = time.Minute

// Bounds of the work.
const (
	// look is how often it is seen whether this server leads.
	look = 5 * time.Second
	// retryFirst and retryMax are the pauses after faults, twice as long each time.
	retryFirst = 10 * time.Second
	retryMax   = 10 * time.Minute
	// attempt bounds one attempt, from the list to the last removal.
	attempt = time.Hour
	// abandoned is when what an attempt left half written is no longer being written.
	abandoned = 2 * attempt
	// tooMuch is how much more than a snapshot has is read of what was stored: it may have no end.
	tooMuch = 1 << 20 // bytes
)

// Target is where snapshots are stored.
type Target interface {
	// List gives the snapshots of a region that are whole, in any order.
	List(ctx context.Context, region string) ([]Stored, error)
	// Put stores one; it is whole or not there.
	Put(ctx context.Context, name string, write func(io.Writer) error) error
	// Open reads one.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Remove removes one; one that is gone already is no fault.
	Remove(ctx context.Context, name string) error
	// String names it for people, without secrets.
	String() string
}

// Plan is what is set: how often, where to, and what is kept. Recipients may be empty.
type Plan struct {
	Every      time.Duration
	Keep       Keep
	Target     Target
	Recipients archive.Recipients
}

// Archive is an archive of the state.
type Archive interface {
	Copy(w io.Writer) error
	Close() error
}

// Host is the server as the backup sees it.
type Host interface {
	IsLeader() bool
	Region() string
	Archive() (Archive, error)
}

// Status is how it goes.
type Status struct {
	Target    string
	Every     time.Duration
	Keep      Keep
	Encrypted bool
	Leads     bool      // this server saves; if not, what follows is zero
	Stored    []Stored  // when they were last listed, the oldest first
	Next      time.Time // when the next slot begins, or a fault is tried again
	LastError string    // "" when the last attempt went well
	Failures  int       // in a row
}

// Newest is the newest snapshot; false without one.
func (s Status) Newest() (Stored, bool) {
	if len(s.Stored) == 0 {
		return Stored{}, false
	}
	return s.Stored[len(s.Stored)-1], true
}

// Saver saves snapshots.
type Saver struct {
	plan Plan
	host Host
	log  hclog.Logger

	mu     sync.Mutex // guards status
	status Status
}

// New makes a Saver; Run does the work.
func New(plan Plan, host Host, log hclog.Logger) *Saver {
	s := &Saver{plan: plan, host: host, log: log}
	s.rest()
	return s
}

// Status tells how it goes.
func (s *Saver) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// tell changes the status.
func (s *Saver) tell(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

// rest is how it goes while another server leads.
func (s *Saver) rest() {
	s.tell(func(st *Status) {
		*st = Status{Target: s.plan.Target.String(), Every: s.plan.Every, Keep: s.plan.Keep, Encrypted: len(s.plan.Recipients) > 0}
	})
}

// Run saves a snapshot for each slot while this server leads, until ctx is done.
func (s *Saver) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var next time.Time
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		switch now := time.Now(); {
		case !s.host.IsLeader():
			next = time.Time{}
			s.rest()
		case !now.Before(next):
			next = s.try(ctx)
		}
		timer.Reset(look)
		if left := time.Until(next); left > 0 {
			timer.Reset(min(look, left))
		}
	}
}

// try does what is due, and tells when to look again.
func (s *Saver) try(ctx context.Context) time.Time {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	if c, ok := s.plan.Target.(interface{ Rest() }); ok {
		defer c.Rest()
	}
	s.tell(func(st *Status) { st.Leads = true })
	next, err := s.once(ctx)
	if errors.Is(err, errNoLonger) || errors.Is(ctx.Err(), context.Canceled) {
		return time.Time{}
	}
	failures := 0
	if err != nil {
		failures = s.Status().Failures + 1
		next = time.Now().Add(min(retryFirst<<min(failures-1, 10), retryMax, s.plan.Every))
		s.log.Error("no snapshot is saved", "target", s.plan.Target.String(), "failures", failures, "next", next.UTC().Format(time.RFC3339), "error", err)
	}
	s.tell(func(st *Status) {
		st.Next, st.Failures, st.LastError = next, failures, ""
		if err != nil {
			st.LastError = err.Error()
		}
	})
	return next
}

// errNoLonger ends an attempt of a server that leads no longer: what is stored now is another's.
var errNoLonger = errors.New("another server leads")

// once saves what is due and removes what is too much, and tells when the next one is due.
func (s *Saver) once(ctx context.Context) (next time.Time, err error) {
	have, err := s.list(ctx)
	if err != nil {
		return next, err
	}
	now := time.Now()
	yes, next := due(now, s.plan.Every, have)
	if yes {
		if err := s.save(ctx, nameOf(s.host.Region(), now, len(s.plan.Recipients) > 0)); err != nil {
			return next, err
		}
		if have, err = s.list(ctx); err != nil {
			return next, err
		}
	}
	var stays error
	old := surplus(time.Now(), have, s.plan.Keep)
	for _, o := range old {
		if !s.host.IsLeader() {
			return next, errNoLonger
		}
		if rerr := s.plan.Target.Remove(ctx, o.Name); rerr != nil && stays == nil { // the others go all the same
			stays = fmt.Errorf("remove %s: %w", o.Name, rerr)
		}
	}
	if len(old) > 0 {
		_, err = s.list(ctx)
	}
	return next, errors.Join(stays, err)
}

// save stores a snapshot and reads it back. One that is not as it was written is removed.
func (s *Saver) save(ctx context.Context, name string) error {
	a, err := s.host.Archive()
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // it has no name: nothing of it stays
	sum, size := sha256.New(), int64(0)
	err = s.plan.Target.Put(ctx, name, func(w io.Writer) error {
		sum.Reset()
		n, err := s.write(a, io.MultiWriter(w, sum))
		size = n
		return err
	})
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	if !s.host.IsLeader() {
		return errNoLonger
	}
	if err := s.check(ctx, name, size, [sha256.Size]byte(sum.Sum(nil))); err != nil {
		return errors.Join(fmt.Errorf("check %s after it was written: %w", name, err), s.plan.Target.Remove(ctx, name))
	}
	s.log.Info("a snapshot was saved", "target", s.plan.Target.String(), "name", name, "bytes", size)
	return nil
}

// check reads what is stored.
func (s *Saver) check(ctx context.Context, name string, size int64, sum [sha256.Size]byte) error {
	r, err := s.plan.Target.Open(ctx, name)
	if err != nil {
		return err
	}
	got := sha256.New()
	n, err := io.Copy(got, io.LimitReader(r, size+tooMuch))
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	if n != size || [sha256.Size]byte(got.Sum(nil)) != sum {
		return fmt.Errorf("it is not what was written: %d bytes of SHA-256 %x, not %d of %x", n, got.Sum(nil), size, sum)
	}
	return nil
}

func (s *Saver) list(ctx context.Context) ([]Stored, error) {
	have, err := s.plan.Target.List(ctx, s.host.Region())
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	slices.SortFunc(have, func(a, b Stored) int { return a.Taken.Compare(b.Taken) })
	s.tell(func(st *Status) { st.Stored = have })
	return have, nil
}

// write writes the archive, encrypted if there are recipients, and counts.
func (s *Saver) write(a Archive, w io.Writer) (int64, error) {
	counted := &counter{w: w}
	sealed, err := s.plan.Recipients.Encrypt(counted)
	if err != nil {
		return 0, err
	}
	err = a.Copy(sealed)
	if err == nil {
		err = sealed.Close()
	}
	return counted.n, err
}

// counter counts what passes.
type counter struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
