package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"berth/internal/transport"
	"berth/structs"
)

// Source reads the API of another region: the region this one follows. Safe for use by many.
type Source struct {
	Trip http.RoundTripper
	// Own is this region, Region the other one; Servers gives those of a region that are alive, as hosts.
	Own, Region string
	Servers     func(region string) []string
	// Token is the secret it shows there.
	Token string

	last atomic.Pointer[string] // the server that is asked first
}

// maxRefusal bounds what is read of a refusal.
const maxRefusal = 4 << 10

// Do implements replicate.Source. One server after another is asked until one answers, beginning with the one that did last. One that took all
// the time there was is not asked first again.
func (s *Source) Do(ctx context.Context, method, path string, limit int64) ([]byte, uint64, error) {
	servers := s.Servers(s.Region)
	if last := s.last.Load(); last != nil {
		if i := slices.Index(servers, *last); i > 0 {
			servers = append([]string{*last}, slices.Delete(slices.Clone(servers), i, i+1)...)
		}
	}
	err := errors.New("none of its servers is known to be alive")
	for i, host := range servers {
		var body []byte
		var index uint64
		body, index, err = s.one(ctx, host, method, path, limit)
		switch {
		case structs.KindOf(err) != structs.KindUnavailable, errors.Is(ctx.Err(), context.Canceled): // who asked wants to know no more
			s.last.Store(&host)
			return body, index, err
		case ctx.Err() != nil:
			s.last.Store(&servers[(i+1)%len(servers)])
			return nil, 0, err
		}
	}
	return nil, 0, &structs.Error{Kind: structs.KindUnavailable, Err: fmt.Errorf("no server of it answers: %w", err)}
}

// one asks one server.
func (s *Source) one(ctx context.Context, host, method, path string, limit int64) ([]byte, uint64, error) {
	away := func(err error) ([]byte, uint64, error) {
		return nil, 0, &structs.Error{Kind: structs.KindUnavailable, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+transport.InRegion(host, s.Region)+path, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set(headerHops, "0")
	req.Header.Set(headerFrom, s.Own) // it goes no further than that region
	req.Header.Set("X-Nomad-Token", s.Token)
	resp, err := s.Trip.RoundTrip(req)
	if err != nil {
		return away(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		limit = maxRefusal
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch code := resp.StatusCode; {
	case err != nil:
		return away(err)
	case code == http.StatusOK && int64(len(body)) > limit:
		return nil, 0, structs.NewError(structs.KindInvalid, fmt.Sprintf("it answers more than %d bytes", limit))
	case code == http.StatusOK:
		index, _ := strconv.ParseUint(resp.Header.Get("X-Nomad-Index"), 10, 64) // 0 of what has none
		return body, index, nil
	case code == http.StatusForbidden:
		return nil, 0, structs.NewError(structs.KindUnauthorised, text(body))
	case code == http.StatusNotFound:
		return nil, 0, structs.NewError(structs.KindNotFound, text(body))
	case code >= http.StatusInternalServerError, code == http.StatusTooManyRequests:
		return away(fmt.Errorf("it answers %d: %s", code, text(body)))
	default:
		return nil, 0, structs.NewError(structs.KindInvalid, fmt.Sprintf("it answers %d: %s", code, text(body)))
	}
}

// text is a refusal as it is told to people: another region's words are kept short, and on one line.
func text(body []byte) string {
	s := strings.Join(strings.Fields(string(body)), " ")
	return strings.ToValidUTF8(s[:min(len(s), 200)], "?")
}
