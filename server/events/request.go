package events

import (
	"fmt"
	"slices"
	"strings"

	"berth/structs"
)

// Bounds of what a reader may ask for.
const (
	// MaxFilters bounds the topics of one reader.
	MaxFilters = 100
	// MaxFilterBytes bounds one of them.
	MaxFilterBytes = 1024
)

// Request is what a reader wants.
type Request struct {
	// Index is the first to read; 0 begins with the last commits that the configuration keeps at least.
	Index uint64
	// Namespace is the one whose events are wanted, "*" for all; events of what is in no namespace are always.
	Namespace string
	// Filters: an event passes that passes one. None lets all pass.
	Filters []Filter
}

// Filter is a topic, and a key or "*".
type Filter struct {
	Topic Topic
	Key   string
}

// missing are topics of the contract about things this program does not have.
func missing() []string {
	return []string{"Service", "ACLAuthMethod", "ACLBindingRule", "HostVolume", "CSIVolume", "CSIPlugin", "Variable"}
}

// ParseFilters reads texts of the form Topic, Topic:key or Topic:*.
func ParseFilters(texts []string) ([]Filter, error) {
	if len(texts) > MaxFilters {
		return nil, refused("%d topics are asked for, more than the %d a stream may have: ask for fewer, or for *", len(texts), MaxFilters)
	}
	var out []Filter
	for _, text := range texts {
		if len(text) > MaxFilterBytes {
			return nil, refused("a topic of %d bytes is asked for, more than the %d one may have", len(text), MaxFilterBytes)
		}
		topic, key, given := strings.Cut(text, ":")
		if !given {
			key = "*"
		}
		if key == "" {
			return nil, refused("topic %q has an empty key: write %s:KEY, or %s:* for all", text, topic, topic)
		}
		if err := checkTopic(topic); err != nil {
			return nil, err
		}
		out = append(out, Filter{Topic(topic), key})
	}
	return out, nil
}

func checkTopic(topic string) error {
	known := []string{string(TopicAny)}
	for _, t := range Topics() {
		known = append(known, string(t))
	}
	switch {
	case slices.Contains(known, topic):
		return nil
	case slices.Contains(missing(), topic):
		return refused("there are no events of topic %q in this version; topics: %s", topic, strings.Join(known, ", "))
	}
	if near := structs.Nearest(topic, known); near != "" {
		return refused("topic %q is not known; did you mean %q? topics: %s", topic, near, strings.Join(known, ", "))
	}
	return refused("topic %q is not known; topics: %s", topic, strings.Join(known, ", "))
}

func refused(format string, args ...any) error {
	return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...)}
}

// wants reports whether an event is for this reader.
func (r *Request) wants(e *Event) bool {
	if e.Namespace != "" && r.Namespace != "*" && e.Namespace != r.Namespace {
		return false
	}
	if len(r.Filters) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Filters, func(f Filter) bool {
		return (f.Topic == TopicAny || f.Topic == e.Topic) && (f.Key == "*" || f.Key == e.Key || slices.Contains(e.FilterKeys, f.Key))
	})
}
