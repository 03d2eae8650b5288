package containerd

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"berth/drivers"
	"berth/drivers/containerd/shim"
)

// meta is task.json: what is needed to find, judge and remove a task.
type meta struct {
	TaskID      string
	ContainerID string
	AllocID     string
	Namespace   string
	JobID       string
	Group       string
	Task        string
	Owner       string
	Driver      string

	Cgroup       string // the task's own
	CgroupParent string
	Image        string
	ImageDigest  string
	StopSignal   string // the task's, else the image's, else SIGTERM
	Pid          int
	StartedAt    time.Time
}

// handleState is the driver's part of a handle.
type handleState struct {
	ContainerID string
	ImageDigest string
}

func (m *meta) handle() drivers.Handle {
	state, _ := json.Marshal(handleState{ContainerID: m.ContainerID, ImageDigest: m.ImageDigest}) // two strings cannot fail
	return drivers.Handle{
		Driver: m.Driver, TaskID: m.TaskID, AllocID: m.AllocID, Task: m.Task, Pid: m.Pid, StartedAt: m.StartedAt, State: state,
	}
}

// validID is containerd's rule for names.
var validID = regexp.MustCompile(`^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$`)

// containerID is the task's id where containerd accepts it as a name, else a hash of it.
func containerID(taskID string) string {
	if len(taskID) <= 76 && validID.MatchString(taskID) {
		return taskID
	}
	return fmt.Sprintf("t-%x", sha256.Sum256([]byte(taskID)))[:42]
}

func (d *Driver) tasksDir() string { return filepath.Join(d.cfg.Daemon.DataDir(), "tasks") }

func (d *Driver) taskDir(taskID string) string {
	return filepath.Join(d.tasksDir(), containerID(taskID))
}

func (d *Driver) recordPath(taskID string) string {
	return filepath.Join(d.taskDir(taskID), "exit.json")
}

// claim makes the task's directory with its first task.json; it fails when the id is in use.
func (d *Driver) claim(m *meta) error {
	if err := os.MkdirAll(d.tasksDir(), 0o700); err != nil {
		return fmt.Errorf("make the driver's directory: %w", err)
	}
	if err := os.Mkdir(d.taskDir(m.TaskID), 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("task %s exists already", m.TaskID)
		}
		return fmt.Errorf("make the directory of task %s: %w", m.TaskID, err)
	}
	return d.save(m)
}

// save writes task.json whole.
func (d *Driver) save(m *meta) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := filepath.Join(d.taskDir(m.TaskID), "task.json")
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("remember task %s: %w", m.TaskID, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("remember task %s: %w", m.TaskID, err)
	}
	return nil
}

// load reads task.json; ErrTaskNotFound when there is no such task.
func (d *Driver) load(taskID string) (*meta, error) {
	m, err := readMeta(d.taskDir(taskID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("task %s: %w", taskID, drivers.ErrTaskNotFound)
	}
	return m, err
}

func readMeta(dir string) (*meta, error) {
	b, err := os.ReadFile(filepath.Join(dir, "task.json"))
	if err != nil {
		return nil, err
	}
	m := &meta{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read %s/task.json: %w", dir, err)
	}
	return m, nil
}

// recorded is the exit the shim wrote; nil when there is none.
func (d *Driver) recorded(taskID string) *drivers.ExitResult {
	r, err := shim.ReadRecord(d.recordPath(taskID))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.log.Warn("exit record is unreadable", "task_id", taskID, "error", err)
		}
		return nil
	}
	return exitResult(r.Status, r.ExitedAt, r.OOMKilled)
}

// exitResult turns a shell-style status into a result.
func exitResult(status int, at time.Time, oom bool) *drivers.ExitResult {
	r := &drivers.ExitResult{ExitCode: status, At: at, OOMKilled: oom && status != 0}
	if status > 128 && status <= 128+31 {
		r.Signal = status - 128
	}
	return r
}
