package replicate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"berth/structs"
)

// World is what is replicated of a region.
type World struct {
	Namespaces []*structs.Namespace
	Pools      []*structs.NodePool
	Policies   []*structs.ACLPolicy // names and hashes
	Roles      []*structs.ACLRole
	Tokens     []*structs.ACLToken // those that are global, without their secrets
}

// Bounds of what is believed of another region.
const (
	// maxObjects is how many of one kind.
	maxObjects = 100_000
	// maxList and maxOne are the sizes of an answer, in bytes.
	maxList = 64 << 20
	maxOne  = 1 << 20
)

// tokenInFull is a token as another region answers it to a manager.
type tokenInFull struct {
	structs.ACLToken
	SecretID structs.ID
}

// decodeList reads a list and checks every object. No more is allocated than maxObjects of them, whatever the text says.
func decodeList[T any](what string, text []byte, name func(*T) string, check func(*T) error) ([]*T, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, broken("its %s are no list", what)
	}
	var out []*T
	seen := map[string]bool{}
	for dec.More() {
		if len(out) == maxObjects {
			return nil, broken("it has more than %d %s", maxObjects, what)
		}
		var x *T
		from := dec.InputOffset()
		if err := dec.Decode(&x); err != nil {
			return nil, broken("its %s cannot be read: %v", what, err)
		}
		if n := dec.InputOffset() - from; n > maxOne {
			return nil, broken("one of its %s has %d bytes, more than %d", what, n, maxOne)
		}
		if x == nil {
			return nil, broken("one of its %s is null", what)
		}
		if err := check(x); err != nil {
			return nil, broken("of its %s: %v", what, err)
		}
		if n := name(x); seen[n] {
			return nil, broken("%s stands twice among its %s", n, what)
		} else {
			seen[n] = true
		}
		out = append(out, x)
	}
	if _, err := dec.Token(); err != nil {
		return nil, broken("the list of its %s has no end", what)
	}
	return out, nil
}

// broken is an answer no sound region gives. Nothing of what it says is used.
func broken(format string, args ...any) error {
	return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("its answers make no sense: "+format, args...), Hint: "look at that region; nothing was changed here"}
}

// checkStub checks a token that came without its secret.
func checkStub(t *structs.ACLToken) error {
	own := *t
	own.SecretID = structs.ID{1}
	switch err := own.Check(); {
	case t.AccessorID.IsZero():
		return errors.New("a token has no accessor")
	case !t.Global:
		return fmt.Errorf("token %s is not global", t.AccessorID)
	case !shows(t.CreateTime) || t.ExpirationTime != nil && !shows(*t.ExpirationTime):
		return fmt.Errorf("a time of token %s is of no year", t.AccessorID)
	case rightless(t): // its roles are gone
		return nil
	default:
		return err
	}
}

// shows reports a time that can be written as text wherever one is: no list of tokens could be answered with another.
func shows(t time.Time) bool { y := t.UTC().Year(); return y > 0 && y < 9999 }

// rightless is a token all of whose policies and roles are gone. A region keeps it, and cannot make it.
func rightless(t *structs.ACLToken) bool {
	return t.Type == structs.TokenClient && len(t.Policies) == 0 && len(t.Roles) == 0
}

func sameNamespace(a, b *structs.Namespace) bool {
	if a.Name != b.Name || a.Description != b.Description || a.Quota != b.Quota || !maps.Equal(a.Meta, b.Meta) {
		return false
	}
	x, y := a.Capabilities, b.Capabilities
	if x == nil || y == nil {
		return x == y
	}
	return slices.Equal(x.EnabledTaskDrivers, y.EnabledTaskDrivers) && slices.Equal(x.DisabledTaskDrivers, y.DisabledTaskDrivers) &&
		slices.Equal(x.EnabledNetworkModes, y.EnabledNetworkModes) && slices.Equal(x.DisabledNetworkModes, y.DisabledNetworkModes)
}

func samePool(a, b *structs.NodePool) bool {
	if a.Name != b.Name || a.Description != b.Description || !maps.Equal(a.Meta, b.Meta) {
		return false
	}
	x, y := a.SchedulerConfiguration, b.SchedulerConfiguration
	if x == nil || y == nil {
		return x == y
	}
	m, n := x.MemoryOversubscriptionEnabled, y.MemoryOversubscriptionEnabled
	return x.SchedulerAlgorithm == y.SchedulerAlgorithm && (m == nil) == (n == nil) && (m == nil || *m == *n)
}

func sameRole(a, b *structs.ACLRole) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Description == b.Description &&
		slices.EqualFunc(a.Policies, b.Policies, func(x, y *structs.ACLRolePolicy) bool { return x.Name == y.Name })
}

// sameToken compares what may be changed of a token; sameBirth what may not.
func sameToken(a, b *structs.ACLToken) bool {
	return a.Name == b.Name && a.Type == b.Type && slices.Equal(a.Policies, b.Policies) &&
		slices.EqualFunc(a.Roles, b.Roles, func(x, y *structs.ACLTokenRole) bool { return x.ID == y.ID })
}

func sameBirth(a, b *structs.ACLToken) bool {
	x, y := a.ExpirationTime, b.ExpirationTime
	return a.CreateTime.Equal(b.CreateTime) && (x == nil) == (y == nil) && (x == nil || x.Equal(*y))
}
