package taskrunner

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"berth/drivers"
	"berth/structs"
)

// Record is what must survive the agent. It is stored as JSON on the node.
type Record struct {
	State *structs.TaskState
	// Attempt counts the starts; Begun is the id of one that was begun and of which nobody knows whether it started.
	Attempt int
	Begun   string `json:",omitempty"`
	// Handle is the attempt that was started and whose end was not judged.
	Handle *drivers.Handle `json:",omitempty"`
	// Leftover is the id of an ended attempt that was not destroyed.
	Leftover string `json:",omitempty"`
	// Tally and NotBefore belong to the restart policy; Over means that it allows no more starts.
	Tally     tally
	NotBefore time.Time
	Over      bool `json:",omitempty"`
	// Stopped: the task was asked to end, and whatever is found of it is to be ended.
	Stopped bool `json:",omitempty"`
	// Restarted: the attempt is being ended so that another takes its place, whatever the policy says.
	Restarted bool `json:",omitempty"`
}

// Store keeps records. PutTask returns when the record would survive a power loss, or at least the agent.
type Store interface {
	PutTask(allocID structs.ID, task string, r *Record) error
}

// nameMax is how much of a task's name goes into an attempt's id.
const nameMax = 22

// attemptID is unique among all attempts of a node: allocation, task, number. At most 76 bytes of [a-zA-Z0-9._-].
func attemptID(allocID structs.ID, task string, attempt int) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}, task)
	if clean != task || len(task) > nameMax {
		sum := sha256.Sum256([]byte(task))
		clean = clean[:min(len(clean), nameMax-9)] + "-" + hex.EncodeToString(sum[:4])
	}
	return allocID.String() + "." + clean + "." + strconv.Itoa(attempt)
}
