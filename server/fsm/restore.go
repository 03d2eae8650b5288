package fsm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/tinylib/msgp/msgp"

	"berth/internal/version"
	"berth/state"
	"berth/structs"
)

// recordMax bounds one record, in bytes.
const recordMax = 256 << 20

// Restore replaces the state by a snapshot's. On an error the state is as it was.
func (f *FSM) Restore(from io.ReadCloser) error {
	defer func() { _ = from.Close() }() // it was only read
	if err := f.Halt(); err != nil {
		return err
	}
	if err := ReadSnapshot(from, f.store); err != nil {
		return err
	}
	snap := f.store.Snapshot()
	f.chain.restart(snap.Index(), snap.Chain())
	f.texts = texts{} // those of a state that is gone
	return nil
}

// ReadSnapshot replaces a store's state by the snapshot's, record by record: the snapshot is never in memory as a whole. On
// an error the state is as it was.
func ReadSnapshot(from io.Reader, store *state.Store) error {
	r, done, err := openSnapshot(from, store)
	if err != nil {
		return errSnapshot(err)
	}
	defer done()
	if err := r.run(); err != nil {
		return errSnapshot(err)
	}
	return nil
}

// restorer puts records into a transaction.
type restorer struct {
	in    *bufio.Reader
	sum   hash.Hash
	buf   bytes.Buffer
	head  []byte
	store *state.Store
	txn   *state.WriteTxn // nil before the header
	texts texts
	// verify counts, and keeps no allocation and changes no state; nil restores.
	verify *Counts
	by     string // version of the program that wrote it; "" when that is not known

	tasks, resources []*structs.AllocatedResources
	metrics          []*structs.AllocMetric
}

func (r *restorer) run() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a record makes no sense: %v", p)
		}
		if err != nil && r.txn != nil {
			r.txn.Abort()
		}
	}()
	for {
		kind, body, err := r.next()
		if err != nil {
			return err
		}
		if r.verify != nil {
			r.verify.count(kind, len(body))
		}
		if kind == recordEnd {
			return r.end(body)
		}
		if err := r.record(kind, body); err != nil {
			return err
		}
	}
}

// next reads one record; the body is valid until the next call.
func (r *restorer) next() (byte, []byte, error) {
	short := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("it ends too early")
		}
		return err
	}
	kind, err := r.in.ReadByte()
	if err != nil {
		return 0, nil, short(err)
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return 0, nil, short(err)
	}
	if n > recordMax {
		return 0, nil, fmt.Errorf("a record of %d bytes is longer than any can be", n)
	}
	r.buf.Reset()
	if _, err := io.CopyN(&r.buf, r.in, int64(n)); err != nil {
		return 0, nil, short(err)
	}
	if kind != recordEnd {
		r.head = binary.AppendUvarint(append(r.head[:0], kind), n)
		r.sum.Write(r.head)
		r.sum.Write(r.buf.Bytes())
	}
	return kind, r.buf.Bytes(), nil
}

// end checks the sum of everything before and makes the state the store's.
func (r *restorer) end(told []byte) error {
	if !bytes.Equal(r.sum.Sum(nil), told) {
		return errors.New("its checksum is wrong")
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	if r.txn == nil {
		return errors.New("it has no header")
	}
	if r.verify != nil {
		r.txn.Abort()
	} else {
		r.txn.Commit()
	}
	r.txn = nil
	return nil
}

func (r *restorer) record(kind byte, body []byte) error {
	if kind == recordHeader {
		return r.header(body)
	}
	if r.txn == nil {
		return errors.New("its header is not the first record")
	}
	t := r.txn
	switch kind {
	case recordSchedulerConfig:
		return restored(body, t.PutSchedulerConfig)
	case recordNamespace:
		return restored(body, t.PutNamespace)
	case recordNodePool:
		return restored(body, t.PutNodePool)
	case recordAuthorityRoot:
		return restored(body, t.PutAuthorityRoot)
	case recordJoinToken:
		return restored(body, t.PutJoinToken)
	case recordWriter:
		r.by = string(body)
		return nil
	case recordChain:
		return r.chain(body)
	case recordPeriodicLaunch:
		return restored(body, t.PutPeriodicLaunch)
	case recordRegion:
		return restored(body, t.PutRegion)
	case recordAutopilotConfig:
		return restored(body, t.PutAutopilotConfig)
	case recordPriorityClass:
		return restored(body, t.PutPriorityClass)
	case recordDisruptionBudget:
		return restored(body, t.PutDisruptionBudget)
	case recordCertificateRevocation:
		return restored(body, t.PutCertificateRevocation)
	case recordACLPolicy:
		return restored(body, t.PutACLPolicy)
	case recordACLRole:
		return restored(body, t.PutACLRole)
	case recordACLToken:
		return restored(body, t.PutACLToken)
	case recordACLBootstrap:
		return restored(body, t.PutACLBootstrap)
	case recordQueue:
		return restored(body, t.PutQueue)
	case recordOneTimeToken:
		return restored(body, t.PutOneTimeToken)
	case recordNode:
		return restored(body, t.PutNode)
	case recordJobVersion:
		return restored(body, t.PutJobVersion)
	case recordJob:
		return restored(body, t.PutJob)
	case recordSubmission:
		return restored(body, t.PutSubmission)
	case recordSummary:
		return restored(body, t.PutJobSummary)
	case recordEval:
		return restored(body, t.PutEval)
	case recordDeployment:
		return restored(body, t.PutDeployment)
	case recordTasks:
		return restored(body, func(o *structs.AllocatedResources) { r.tasks = append(r.tasks, o) })
	case recordMetrics:
		return restored(body, func(o *structs.AllocMetric) { r.metrics = append(r.metrics, o) })
	case recordResources:
		return r.resource(body)
	case recordAlloc:
		return r.alloc(body)
	}
	return fmt.Errorf("records of kind %d are not known to Berth %s%s", kind, version.String(), r.writer())
}

// writer says who wrote it, for errors.
func (r *restorer) writer() string {
	if r.by == "" {
		return ""
	}
	return ": it was written by Berth " + r.by
}

func (r *restorer) chain(body []byte) error {
	var c state.Chain
	body, err := numbers(body, &c.Origin)
	if err != nil {
		return err
	}
	if len(body) != len(c.Hash) {
		return fmt.Errorf("its rolling hash has %d bytes", len(body))
	}
	copy(c.Hash[:], body)
	r.txn.SetChain(c)
	return nil
}

// restored decodes an object and hands it on.
func restored[T any, P interface {
	*T
	msgp.Unmarshaler
}](body []byte, put func(*T)) error {
	o := new(T)
	if err := decode(body, P(o)); err != nil {
		return err
	}
	put(o)
	return nil
}

func (r *restorer) header(body []byte) error {
	if r.txn != nil {
		return errors.New("it has two headers")
	}
	var index uint64
	var tables [state.TableCount]uint64
	body, err := numbers(body, &index)
	for t := 0; err == nil && t < len(tables) && len(body) > 0; t++ {
		body, err = numbers(body, &tables[t])
	}
	if err != nil {
		return err
	}
	if r.verify != nil {
		r.verify.Index = index
	}
	r.txn = r.store.BeginRestore(index, tables)
	return nil
}

// numbers reads uvarints from the front of a record.
func numbers(body []byte, into ...*uint64) ([]byte, error) {
	for _, p := range into {
		n, size := binary.Uvarint(body)
		if size <= 0 {
			return nil, errors.New("a number is cut off")
		}
		*p, body = n, body[size:]
	}
	return body, nil
}

func (r *restorer) resource(body []byte) error {
	var number uint64
	body, err := numbers(body, &number)
	if err != nil {
		return err
	}
	tasks, err := shared(r.tasks, number)
	if err != nil {
		return err
	}
	return restored(body, func(o *structs.AllocatedResources) {
		if tasks != nil {
			o.Tasks, o.TaskLifecycles = tasks.Tasks, tasks.TaskLifecycles
		}
		r.resources = append(r.resources, o)
	})
}

func (r *restorer) alloc(body []byte) error {
	var resources, metrics uint64
	body, err := numbers(body, &resources, &metrics)
	if err != nil {
		return err
	}
	res, err := shared(r.resources, resources)
	if err != nil {
		return err
	}
	met, err := shared(r.metrics, metrics)
	if err != nil {
		return err
	}
	return restored(body, func(al *structs.Allocation) {
		al.AllocatedResources, al.Metrics = res, met
		if r.verify != nil {
			if al.HoldsResources() {
				new(state.NodeUse).Add(res) // what makes no sense falls over here, as it would there
			}
			return
		}
		r.texts.alloc(al)
		r.txn.PutAlloc(al)
	})
}

// shared finds a shared record by its number, nil for 0.
func shared[T any](list []*T, number uint64) (*T, error) {
	if number == 0 {
		return nil, nil
	}
	if number > uint64(len(list)) {
		return nil, fmt.Errorf("an allocation refers to record %d of %d", number, len(list))
	}
	return list[number-1], nil
}
