package replicate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/structs"
)

// Status is how a region follows another. The zero times are for never.
type Status struct {
	From string
	// Began is when this leader began; what was before it does not know.
	Began time.Time
	// Heard is when this region last had all that the source has.
	Heard time.Time
	// Failing is why it has not now, "" when it has; FailingSince is since when.
	Failing      string
	FailingSince time.Time
	// Applied are the commands this leader proposed for it.
	Applied uint64
	// Aside is what is kept here, or left out, though the source says otherwise, one sentence each.
	Aside []string
}

// Age is how long ago this region had all that the source has; since this leader began when it does not know.
func (s *Status) Age(now time.Time) time.Duration {
	last := s.Heard
	if last.IsZero() {
		last = s.Began
	}
	return max(now.Sub(last), 0)
}

var errNoReplication = errors.New("its servers are of a version that cannot be followed")

func notAuthoritative(region, authoritative string) error {
	return fmt.Errorf("region %q says that region %q decides for it: it cannot be followed", region, authoritative)
}

// explain says what a failure means in a region that follows another.
func explain(from string, err error) error {
	e := &structs.Error{Op: "follow region", Subject: fmt.Sprintf("%q", from), Kind: structs.KindOf(err), Err: err}
	switch e.Kind {
	case structs.KindUnauthorised:
		e.Err = errors.New("it refuses the replication token")
		e.Hint = "acl { replication_token } must be the secret of a management token of that region"
	case structs.KindInvalid:
		var inner *structs.Error
		if errors.As(err, &inner) {
			e.Err, e.Hint = inner.Err, inner.Hint
		}
	}
	if why := e.Err.Error(); len(why) > maxWhy { // it may quote the other region
		e.Err = errors.New(strings.ToValidUTF8(why[:maxWhy], "") + "...")
	}
	return e
}

// maxWhy bounds what is said of a failure, in bytes.
const maxWhy = 500

// Status tells how it goes. Safe for use by many.
func (r *Replicator) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.status
	out.Aside = slices.Clone(out.Aside)
	return out
}

// failed notes a failure, and says so once for each reason.
func (r *Replicator) failed(err error) {
	why := explain(r.cfg.From, err)
	r.mu.Lock()
	was, kind := r.status.Failing, r.kind
	r.kind, r.status.Failing = structs.KindOf(why), why.Error()
	if was == "" {
		r.status.FailingSince = time.Now()
	}
	same := was != "" && kind == r.kind && (kind == structs.KindUnavailable || was == why.Error())
	heard := r.status.Heard
	r.mu.Unlock()
	if structs.KindOf(why) == structs.KindNoLeader {
		r.log.Debug("this server leads no more", "error", why)
	} else if !same {
		r.log.Warn("the authoritative region is not followed; this one goes on with what it has", "error", why, "last_followed", said(heard))
	}
}

func said(t time.Time) string {
	if t.IsZero() {
		return "not by this leader"
	}
	return t.UTC().Format(time.RFC3339)
}

// heard notes that this region has what the source has.
func (r *Replicator) heard(applied int, aside []string) {
	r.mu.Lock()
	first, was := r.status.Heard.IsZero(), r.status.Failing
	fresh := !slices.Equal(aside, r.status.Aside)
	r.status.Heard, r.status.Failing, r.status.FailingSince = time.Now(), "", time.Time{}
	r.status.Applied += uint64(applied)
	r.status.Aside = aside
	r.mu.Unlock()
	switch {
	case first, was != "":
		r.log.Info("follows the authoritative region", "region", r.cfg.From, "changes", applied)
	case applied > 0:
		r.log.Debug("took over what changed in the authoritative region", "region", r.cfg.From, "changes", applied)
	}
	if fresh && len(aside) > 0 {
		r.log.Warn("not all is as in the authoritative region", "region", r.cfg.From, "first", aside[0], "all", len(aside))
	}
}

// unchanged notes that the source had nothing new.
func (r *Replicator) unchanged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Heard = time.Now()
}
