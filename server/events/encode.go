package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"berth/structs"
)

// JSON is the event as a line of the stream has it. Callers must not change it.
func (e *Event) JSON() ([]byte, error) {
	e.once.Do(func() {
		name, object := payload(e.object)
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(struct {
			Topic      Topic
			Type       string
			Key        string
			Namespace  string
			FilterKeys []string
			Index      uint64
			Payload    map[string]any
		}{e.Topic, e.Type, e.Key, e.Namespace, e.FilterKeys, e.Index, map[string]any{name: object}})
		if err != nil {
			e.err = fmt.Errorf("encode event %s of %s %s: %w", e.Type, e.Topic, e.Key, err)
			return
		}
		e.text = bytes.TrimRight(b.Bytes(), "\n")
		if e.bytes != nil {
			e.bytes.Add(int64(cap(e.text)))
		}
	})
	return e.text, e.err
}

// payload is an object as readers see it, and its name. What is secret has no place in it: a node's SecretID is never encoded, and
// tokens of other programs are left out. An allocation comes without its job, which would be most of it.
func payload(object any) (name string, view any) {
	switch v := object.(type) {
	case *structs.Job:
		j := *v
		j.ConsulToken, j.VaultToken = "", ""
		return "Job", &j
	case *structs.Evaluation:
		return "Evaluation", v
	case *structs.Allocation:
		a := struct {
			structs.Allocation
			Name string
		}{*v, v.Name()}
		a.Job = nil
		return "Allocation", &a
	case *structs.Deployment:
		return "Deployment", v
	case *structs.Node:
		n := struct {
			structs.Node
			Drain bool
		}{*v, v.DrainStrategy != nil}
		n.SecretID = structs.ID{}
		return "Node", &n
	case *structs.NodePool:
		return "NodePool", v
	case *structs.Namespace:
		return "Namespace", v
	case *structs.SchedulerConfiguration:
		return "SchedulerConfiguration", v
	case *structs.AutopilotConfiguration:
		return "AutopilotConfiguration", v
	case *structs.ACLPolicy:
		return "ACLPolicy", v
	case *structs.ACLRole:
		return "ACLRole", v
	case *structs.ACLToken:
		t := *v
		t.SecretID = structs.ID{}
		return "ACLToken", &t
	case *structs.PriorityClass:
		return "PriorityClass", v
	case *structs.Queue:
		return "Queue", v
	case *structs.DisruptionBudget:
		return "DisruptionBudget", v
	}
	return "Unknown", nil
}

// Write writes a batch as one line of the stream.
func (b *Batch) Write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, `{"Index":%d,"Events":[`, b.Index); err != nil {
		return err
	}
	for i, e := range b.Events {
		text, err := e.JSON()
		if err != nil {
			return err
		}
		if i > 0 {
			if _, err := io.WriteString(w, ","); err != nil {
				return err
			}
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]}\n")
	return err
}
