package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/go-bexpr"

	"berth/agent/access"
	"berth/state"
	"berth/structs"
)

// request is one request with what handlers read of it, and the index its answer carries.
type request struct {
	*http.Request
	api   *API
	w     http.ResponseWriter
	query url.Values
	index uint64 // 0 sends none
	next  string // token of the next page
	// Of the caller, while access control is on.
	secret     string
	who        *access.Identity
	permission *permission
	pinned     *state.Snapshot // the state the caller was checked against, for the handler to look at
	asked      bool            // the handler has checked what the body names
	socket     *websocket.Conn // of a caller that showed its token in a frame
}

func (a *API) request(w http.ResponseWriter, hr *http.Request) *request {
	return &request{Request: hr, api: a, w: w, query: hr.URL.Query(), secret: secret(hr.Header)}
}

// ctx is the request's context.
func (r *request) ctx() context.Context { return r.Context() }

// snapshot is the state now; while access control is on, the one the caller was checked against.
func (r *request) snapshot() *state.Snapshot {
	if r.pinned != nil {
		return r.pinned
	}
	return r.api.Server.State().Snapshot()
}

// anyNamespace is what lists of all namespaces ask for.
const anyNamespace = "*"

// namespace is the one asked for; "*" is possible for lists only.
func (r *request) namespace() string {
	if ns := r.query.Get("namespace"); ns != "" {
		return ns
	}
	return structs.DefaultNamespace
}

// in reports that a namespace was asked for, and that the caller may see what is in it.
func (r *request) in(namespace string) bool {
	ns := r.namespace()
	return (ns == anyNamespace || ns == namespace) && r.sees(namespace)
}

func (r *request) flag(name string) bool {
	v, given := r.query[name]
	return given && (len(v) == 0 || v[0] == "" || v[0] == "true" || v[0] == "1")
}

// id reads an id of the path.
func (r *request) id(name, what string) (structs.ID, error) {
	text := r.PathValue(name)
	id, err := structs.ParseID(text)
	if err != nil || id.IsZero() {
		return structs.ID{}, notFound("%s not found", what)
	}
	return id, nil
}

// The headers of nearly every answer, in the form in which net/http sends them: those are not looked for in other forms first.
const (
	indexHeader       = "X-Nomad-Index"
	knownLeaderHeader = "X-Nomad-Knownleader"
	lastContactHeader = "X-Nomad-Lastcontact"
)

// writeIndex sends the headers of a read or write.
func (r *request) writeIndex() {
	h := r.w.Header()
	_, known := r.api.Server.LeaderAddr()
	values := []string{strconv.FormatBool(known), strconv.FormatInt(max(0, r.api.Server.LastContact().Milliseconds()), 10), ""}
	h[knownLeaderHeader], h[lastContactHeader] = values[0:1:1], values[1:2:2]
	if r.index > 0 {
		values[2] = strconv.FormatUint(r.index, 10)
		h[indexHeader] = values[2:3:3]
	}
	if r.next != "" {
		h.Set("X-Nomad-NextToken", r.next)
	}
}

// meta is what some answers carry in their body too.
func (r *request) meta() structs.QueryMeta {
	_, known := r.api.Server.LeaderAddr()
	return structs.QueryMeta{Index: r.index, KnownLeader: known, NextToken: r.next}
}

// Waits of blocking reads.
const (
	maxWait = 5 * time.Minute
	// jitter spreads the ends of waits that began together: up to a sixteenth is added.
	jitter = 16
	// maxWaiting bounds the reads that wait at once; one more is refused. A read that waits holds its connection and nothing of its
	// answer.
	maxWaiting = 16_384
)

// answer is what a read found: the value, the index it changed at, and what is closed when it changes again: up to three
// tables or objects, those of which the index is.
type answer struct {
	value                any
	index                uint64
	changed, also, third <-chan struct{}
}

// read answers at once, or with ?index=N when the answer's index is above N, or when the wait is over.
func (r *request) read(look func(s *state.Snapshot) (answer, error)) (any, error) {
	var above uint64
	if text := r.query.Get("index"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, invalid("Invalid index")
		}
		above = n
	}
	wait := maxWait
	if text := r.query.Get("wait"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return nil, invalid("Invalid wait time")
		}
		if d > 0 {
			wait = d
		}
	}
	wait = min(wait, maxWait)
	wait += rand.N(wait/jitter + 1)
	var over <-chan time.Time
	ended := false
	for woken := false; ; woken = true {
		if woken {
			if err := r.again(); err != nil {
				return nil, err
			}
		}
		a, err := look(r.snapshot())
		if err != nil {
			return nil, err
		}
		r.index = max(a.index, 1)
		// An index that went back is news too: what it was of is gone, or the state was restored from a snapshot.
		if above == 0 || r.index > above || woken && r.index < above || a.changed == nil || ended {
			return a.value, nil
		}
		a.value = nil // it is made again: an answer that is not sent must not be held for minutes
		if over == nil {
			if r.api.waiting.Add(1) > maxWaiting {
				r.api.waiting.Add(-1)
				return nil, &structs.Error{Kind: structs.KindLimit, Err: fmt.Errorf("%d reads wait for changes, as many as an agent lets wait", maxWaiting),
					Hint: "ask without index, or ask another server with stale"}
			}
			defer r.api.waiting.Add(-1)
			t := time.NewTimer(wait)
			defer t.Stop()
			over = t.C
		}
		if ended, err = r.wait(a, over); err != nil {
			return nil, err
		}
	}
}

// wait waits for a change of what was read, or for the end of the waiting. The caller is looked at meanwhile: one that may not any more is not
// kept until something happens.
func (r *request) wait(a answer, over <-chan time.Time) (ended bool, err error) {
	r.pinned = nil // an old state must not be held for minutes
	var look <-chan time.Time
	if r.who != nil && !r.permission.open {
		t := time.NewTicker(recheck)
		defer t.Stop()
		look = t.C
	}
	for {
		select {
		case <-a.changed:
			return false, nil
		case <-a.also:
			return false, nil
		case <-a.third:
			return false, nil
		case <-over:
			return true, nil
		case <-r.ctx().Done():
			return false, r.ctx().Err()
		case <-look:
			if err := r.again(); err != nil {
				return false, err
			}
			r.pinned = nil
		}
	}
}

// maxFilter bounds the text of a filter, in bytes.
const maxFilter = 4 << 10

// maxPerPage bounds a page that was asked for.
const maxPerPage = 100_000

// list makes the answer of a list: what passes prefix and filter, a page of it, in the order of keys (which a token continues).
func list[T, V any](r *request, items iter.Seq[T], key func(T) string, view func(T) V, keep func(T) bool) ([]V, error) {
	return listBy(r, strings.Compare, items, key, view, keep)
}

// listBy is list with an order of the keys other than that of texts.
func listBy[T, V any](r *request, compare func(key, token string) int, items iter.Seq[T], key func(T) string, view func(T) V, keep func(T) bool) ([]V, error) {
	p, err := r.page()
	if err != nil {
		return nil, err
	}
	if p.reverse {
		items = backwards(items)
	}
	out := []V{}
	started := p.token == ""
	for item := range items {
		if !started {
			at := compare(key(item), p.token)
			if !p.reverse && at < 0 || p.reverse && at > 0 {
				continue
			}
			started = true
		}
		if keep != nil && !keep(item) {
			continue
		}
		v := view(item)
		if p.filter != nil {
			ok, err := matches(p.filter, v)
			if err != nil {
				return nil, invalid("failed to create result paginator: %v", err)
			}
			if !ok {
				continue
			}
		}
		if p.size > 0 && len(out) == p.size {
			r.next = key(item)
			break
		}
		out = append(out, v)
	}
	return out, nil
}

// page is which part of a list is asked for.
type page struct {
	filter  *bexpr.Evaluator // nil for everything
	size    int              // 0 is no bound
	token   string           // the key of its first item, "" for the list's
	reverse bool
}

func (r *request) page() (p page, err error) {
	if text := r.query.Get("filter"); text != "" {
		if len(text) > maxFilter {
			return p, invalid("failed to create result paginator: the filter has more than %d bytes", maxFilter)
		}
		if p.filter, err = bexpr.CreateEvaluator(text); err != nil {
			return p, invalid("failed to create result paginator: failed to read filter expression: %v", err)
		}
	}
	if text := r.query.Get("per_page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return p, invalid("failed to create result paginator: per_page %q is not a number", text)
		}
		p.size = min(n, maxPerPage)
	}
	p.token, p.reverse = r.query.Get("next_token"), r.flag("reverse")
	return p, nil
}

// backwards gives the items from the last to the first.
func backwards[T any](items iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, v := range slices.Backward(slices.Collect(items)) {
			if !yield(v) {
				return
			}
		}
	}
}

// matches evaluates a filter on a value as the API shows it.
func matches(f *bexpr.Evaluator, v any) (bool, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	var shown map[string]any
	if err := json.Unmarshal(raw, &shown); err != nil {
		return false, err
	}
	return f.Evaluate(shown)
}

// hasPrefix is the ?prefix= of lists.
func (r *request) hasPrefix(s string) bool { return strings.HasPrefix(s, r.query.Get("prefix")) }

// checkIDPrefix refuses prefixes no id can have.
func (r *request) checkIDPrefix() error {
	for _, c := range r.query.Get("prefix") {
		if !strings.ContainsRune("0123456789abcdefABCDEF-", c) {
			return invalid("prefix %q is not the beginning of an id: hexadecimal digits and hyphens", r.query.Get("prefix"))
		}
	}
	return nil
}

// newest is the highest ModifyIndex of a set, or the table's index when it is empty.
func newest[T any](s *state.Snapshot, items iter.Seq[T], index func(T) uint64, t state.Table) uint64 {
	var n uint64
	for v := range items {
		n = max(n, index(v))
	}
	if n == 0 {
		n = s.TableIndex(t)
	}
	return n
}

// Bounds of what is encoded at a time.
const (
	// pieceBytes is how much of a long list is sent at once.
	pieceBytes = 64 << 10
	// longList is from how many elements on a list is sent in pieces.
	longList = 64
)

// encoded gives a buffer for an answer, and its encoder.
func encoded() (*bytes.Buffer, *json.Encoder) {
	buf := new(bytes.Buffer)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return buf, enc
}

// writeList sends a list piece by piece, so that the memory it takes is not that of the whole.
func writeList(w http.ResponseWriter, list reflect.Value) {
	buf, enc := encoded()
	begun := false
	buf.WriteByte('[')
	for i := range list.Len() {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := writeElement(buf, enc, list.Index(i).Interface()); err != nil {
			if begun {
				panic(http.ErrAbortHandler) // half a list must not look like one
			}
			writeError(w, err)
			return
		}
		if buf.Len() < pieceBytes {
			continue
		}
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/json")
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return // the caller went away: there is nobody to tell
		}
		buf.Reset()
	}
	buf.WriteByte(']')
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(buf.Bytes())
}

func writeElement(buf *bytes.Buffer, enc *json.Encoder, v any) error {
	switch v := v.(type) {
	case *allocLine:
		return v.write(buf, enc)
	case *structs.AllocListStub:
		if v != nil {
			return writeAlloc(buf, enc, v)
		}
	}
	if err := enc.Encode(v); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // the encoder's line end
	return nil
}

func writeJSON(w http.ResponseWriter, v any, pretty bool) {
	if list := reflect.ValueOf(v); !pretty && list.Kind() == reflect.Slice && list.Len() >= longList {
		if _, own := v.(json.Marshaler); !own && list.Type().Elem().Kind() != reflect.Uint8 {
			writeList(w, list)
			return
		}
	}
	buf, enc := encoded()
	if pretty {
		enc.SetIndent("", "    ")
	}
	if err := enc.Encode(v); err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	text := buf.Bytes()
	if !pretty {
		text = bytes.TrimRight(text, "\n")
	}
	_, _ = w.Write(text) // the caller went away: there is nobody to tell
}
