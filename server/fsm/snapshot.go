package fsm

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"iter"
	"reflect"

	"github.com/hashicorp/raft"
	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/version"
	"berth/state"
	"berth/structs"
)

// A snapshot is the magic, a byte for the version of the form, and a zstd stream of records: kind, length (uvarint), body.
// The last record is the SHA-256 of all bytes of the stream before it. Allocations come last; the resources and metrics they
// share are records of their own, numbered from 1 in the order they come.
const (
	snapshotMagic   = "BERTH STATE\n"
	snapshotVersion = 1
)

// Kinds of records. Append only.
const (
	recordEnd byte = iota
	recordHeader
	recordSchedulerConfig
	recordNamespace
	recordNodePool
	recordNode
	recordJobVersion
	recordJob
	recordSubmission
	recordSummary
	recordEval
	recordDeployment
	recordTasks     // AllocatedResources with nothing but tasks and their lifecycles
	recordResources // number of the tasks' record (0: inline), AllocatedResources
	recordMetrics   // AllocMetric
	recordAlloc     // numbers of resources and metrics (0: none), Allocation without them
	recordAuthorityRoot
	recordJoinToken
	recordPeriodicLaunch
	recordRegion
	recordAutopilotConfig
	recordPriorityClass
	recordDisruptionBudget
	recordWriter // version of the program that wrote it, behind the header
	recordChain  // where the rolling hash begins (0: nowhere), the hash
	recordCertificateRevocation
	recordACLPolicy
	recordACLRole
	recordACLToken
	recordACLBootstrap
	recordOneTimeToken
	recordQueue
)

// Snapshot gives the state to be persisted. It costs nothing: the state as it is now does not change any more.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	if err := f.Halt(); err != nil {
		return nil, err
	}
	return &persister{f.store.Snapshot()}, nil
}

type persister struct{ snap *state.Snapshot }

// Persist implements raft.FSMSnapshot.
func (p *persister) Persist(sink raft.SnapshotSink) error {
	if err := WriteSnapshot(sink, p.snap); err != nil {
		_ = sink.Cancel() // the first error is the one to tell
		return err
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (p *persister) Release() { p.snap = nil }

// WriteSnapshot writes the whole state, table by table.
func WriteSnapshot(to io.Writer, snap *state.Snapshot) error {
	if _, err := io.WriteString(to, snapshotMagic+string(rune(snapshotVersion))); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	w := &recorder{out: bufio.NewWriterSize(z, 64<<10), sum: sha256.New(), shared: map[any]uint64{}}
	w.state(snap)
	w.end()
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if err := z.Close(); w.err == nil {
		w.err = err
	}
	if w.err != nil {
		return fmt.Errorf("write snapshot: %w", w.err)
	}
	return nil
}

// recorder writes records until the first error.
type recorder struct {
	out                       *bufio.Writer
	sum                       hash.Hash
	buf                       []byte
	order                     canonical
	err                       error
	shared                    map[any]uint64 // numbers of shared records, by pointer
	tasks, resources, metrics uint64
	bare                      structs.Allocation // the one that is written, without what it shares
}

func (w *recorder) state(snap *state.Snapshot) {
	header := binary.AppendUvarint(nil, snap.Index())
	for t := range state.TableCount {
		header = binary.AppendUvarint(header, snap.TableIndex(state.Table(t)))
	}
	w.raw(recordHeader, header)
	w.raw(recordWriter, []byte(version.String()))
	if c := snap.Chain(); c.Origin != 0 {
		w.raw(recordChain, append(binary.AppendUvarint(nil, c.Origin), c.Hash[:]...))
	}
	w.object(recordSchedulerConfig, nil, snap.SchedulerConfig())
	recordAll(w, recordNamespace, snap.Namespaces())
	recordAll(w, recordNodePool, snap.NodePools())
	recordAll(w, recordAuthorityRoot, snap.AuthorityRoots())
	recordAll(w, recordJoinToken, snap.JoinTokens())
	recordAll(w, recordPeriodicLaunch, snap.PeriodicLaunches())
	recordAll(w, recordRegion, snap.Regions())
	if c := snap.AutopilotConfig(); c != nil {
		w.object(recordAutopilotConfig, nil, c)
	}
	recordAll(w, recordPriorityClass, snap.PriorityClasses())
	recordAll(w, recordDisruptionBudget, snap.DisruptionBudgets())
	recordAll(w, recordCertificateRevocation, snap.CertificateRevocations())
	recordAll(w, recordACLPolicy, snap.ACLPolicies())
	recordAll(w, recordACLRole, snap.ACLRoles())
	recordAll(w, recordACLToken, snap.ACLTokens())
	recordAll(w, recordOneTimeToken, snap.OneTimeTokens())
	recordAll(w, recordQueue, snap.Queues())
	if b := snap.ACLBootstrap(); b != nil {
		w.object(recordACLBootstrap, nil, b)
	}
	recordAll(w, recordNode, snap.Nodes())
	recordAll(w, recordJobVersion, snap.AllJobVersions())
	recordAll(w, recordJob, snap.Jobs())
	recordAll(w, recordSubmission, snap.AllSubmissions())
	recordAll(w, recordSummary, snap.JobSummaries())
	recordAll(w, recordEval, snap.Evals())
	recordAll(w, recordDeployment, snap.Deployments())
	for al := range snap.Allocs() {
		w.alloc(al)
		if w.err != nil {
			return
		}
	}
}

func recordAll[T msgp.Marshaler](w *recorder, kind byte, objects iter.Seq[T]) {
	for o := range objects {
		if w.object(kind, nil, o); w.err != nil {
			return
		}
	}
}

// object writes a record of numbers and an object.
func (w *recorder) object(kind byte, numbers []uint64, o msgp.Marshaler) {
	if w.err != nil {
		return
	}
	w.buf = w.buf[:0]
	for _, n := range numbers {
		w.buf = binary.AppendUvarint(w.buf, n)
	}
	head := len(w.buf)
	if w.buf, w.err = o.MarshalMsg(w.buf); w.err != nil {
		return
	}
	if _, w.err = w.order.value(w.buf[head:]); w.err == nil {
		w.raw(kind, w.buf)
	}
}

func (w *recorder) raw(kind byte, body []byte) {
	if w.err != nil {
		return
	}
	head := binary.AppendUvarint([]byte{kind}, uint64(len(body)))
	w.sum.Write(head)
	w.sum.Write(body)
	if _, w.err = w.out.Write(head); w.err == nil {
		_, w.err = w.out.Write(body)
	}
}

func (w *recorder) end() {
	if w.err != nil {
		return
	}
	sum := w.sum.Sum(nil)
	w.raw(recordEnd, sum)
}

func (w *recorder) alloc(al *structs.Allocation) {
	numbers := []uint64{w.resourcesOf(al.AllocatedResources), w.metricsOf(al.Metrics)}
	w.bare = *al
	w.bare.AllocatedResources, w.bare.Metrics = nil, nil
	w.object(recordAlloc, numbers, &w.bare)
}

// once gives the number of something shared, writing it the first time.
func (w *recorder) once(key any, last *uint64, write func()) uint64 {
	if n, ok := w.shared[key]; ok {
		return n
	}
	write()
	*last++
	w.shared[key] = *last
	return *last
}

func (w *recorder) metricsOf(m *structs.AllocMetric) uint64 {
	if m == nil {
		return 0
	}
	return w.once(m, &w.metrics, func() { w.object(recordMetrics, nil, m) })
}

// mapKey is the identity of a map, which copies of AllocatedResources share.
type mapKey uintptr

func (w *recorder) resourcesOf(r *structs.AllocatedResources) uint64 {
	if r == nil {
		return 0
	}
	return w.once(r, &w.resources, func() {
		rest, tasks := *r, uint64(0)
		if len(r.Tasks) > 0 {
			tasks = w.once(mapKey(reflect.ValueOf(r.Tasks).Pointer()), &w.tasks, func() {
				w.object(recordTasks, nil, &structs.AllocatedResources{Tasks: r.Tasks, TaskLifecycles: r.TaskLifecycles})
			})
			rest.Tasks, rest.TaskLifecycles = nil, nil
		}
		w.object(recordResources, []uint64{tasks}, &rest)
	})
}
