package shim

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	eventstypes "github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"

	"berth/drivers/containerd/internal/cgroup"
)

// recorder writes the exit record of the one container this shim serves.
type recorder struct {
	path   string // "" when the container asks for none
	cgroup string
	once   sync.Once
}

// newRecorder reads what it must know from the bundle, which is the shim's working directory.
func newRecorder(bundle string) *recorder {
	var spec struct {
		Annotations map[string]string `json:"annotations"`
		Linux       struct {
			CgroupsPath string `json:"cgroupsPath"`
		} `json:"linux"`
	}
	b, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err == nil {
		err = json.Unmarshal(b, &spec)
	}
	if err != nil {
		log.L.WithError(err).Warn("container has no readable spec, its exit will not be recorded")
	}
	return &recorder{path: spec.Annotations[AnnotationRecord], cgroup: spec.Linux.CgroupsPath}
}

func (r *recorder) oomKilled() bool {
	kills, ok := cgroup.OOMKills(r.cgroup)
	return ok && kills > 0
}

func (r *recorder) record(rec Record) {
	if r.path == "" {
		return
	}
	r.once.Do(func() {
		// A missing directory means the driver has removed the task: nobody asks any more.
		if err := rec.write(r.path); err != nil && !os.IsNotExist(err) {
			log.L.WithError(err).Error("write exit record")
		}
	})
}

// publisher records exits on their way to containerd.
type publisher struct {
	shim.Publisher
	rec *recorder
}

// Publish records first: containerd may be away, and then publishing takes seconds and fails.
func (p publisher) Publish(ctx context.Context, topic string, event events.Event) error {
	if e, ok := event.(*eventstypes.TaskExit); ok && e.ID == e.ContainerID {
		p.rec.record(Record{Pid: int(e.Pid), Status: int(e.ExitStatus), ExitedAt: e.ExitedAt.AsTime(), OOMKilled: p.rec.oomKilled()})
	}
	return p.Publisher.Publish(ctx, topic, event)
}

// service is upstream's task service with the additions of this package.
type service struct {
	taskapi.TTRPCTaskService
	rec *recorder
}

// RegisterTTRPC makes the service reachable; the shim's runner calls it.
func (s *service) RegisterTTRPC(server *ttrpc.Server) error {
	taskapi.RegisterTTRPCTaskService(server, s)
	return nil
}

// Create lets a terminal write to a regular file.
func (s *service) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	if r.Terminal {
		if st, err := os.Stat(r.Stdout); err == nil && st.Mode().IsRegular() {
			fifo, err := appendFrom(filepath.Join(r.Bundle, "console"), r.Stdout)
			if err != nil {
				return nil, err
			}
			r.Stdout = fifo
		}
	}
	return s.TTRPCTaskService.Create(ctx, r)
}

// Delete records the exit before the caller knows it. Why also here: a containerd that comes back deletes ended tasks at
// once, and the shim may end before the event is out.
func (s *service) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	oom := r.ExecID == "" && s.rec.oomKilled() // before the cgroup goes
	resp, err := s.TTRPCTaskService.Delete(ctx, r)
	if err == nil && r.ExecID == "" {
		at := time.Now()
		if resp.ExitedAt != nil {
			at = resp.ExitedAt.AsTime()
		}
		s.rec.record(Record{Pid: int(resp.Pid), Status: int(resp.ExitStatus), ExitedAt: at, OOMKilled: oom})
	}
	return resp, err
}
