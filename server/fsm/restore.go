package fsm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// recordMax bounds one record, in bytes.
const recordMax = 256 << 20

// Restore replaces the state by a snapshot's. On an error the state is as it was.
func (f *FSM) Restore(from io.ReadCloser) error {
	defer func() { _ = from.Close() }() // it was only read
	return ReadSnapshot(from, f.store)
}

// ReadSnapshot replaces a store's state by the snapshot's, record by record: the snapshot is never in memory as a whole. On
// an error the state is as it was.
func ReadSnapshot(from io.Reader, store *state.Store) (err error) {
	defer func() {
		if err != nil {
			err = &structs.Error{Op: "restore snapshot", Kind: structs.KindInternal, Err: err,
				Hint: "the file is damaged or not a snapshot: use another one"}
		}
	}()
	head := make([]byte, len(snapshotMagic)+1)
	if _, err := io.ReadFull(from, head); err != nil || string(head[:len(snapshotMagic)]) != snapshotMagic {
		return errors.New("it does not begin as a snapshot does")
	}
	if v := head[len(snapshotMagic)]; v != snapshotVersion {
		return fmt.Errorf("it has form %d, this program reads form %d", v, snapshotVersion)
	}
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	r := &restorer{in: bufio.NewReaderSize(z, 64<<10), sum: sha256.New(), store: store, texts: texts{}}
	return r.run()
}

// restorer puts records into a transaction.
type restorer struct {
	in    *bufio.Reader
	sum   hash.Hash
	buf   bytes.Buffer
	store *state.Store
	txn   *state.WriteTxn // nil before the header
	texts texts

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
		sum := r.sum.Sum(nil)
		kind, body, err := r.next()
		if err != nil {
			return err
		}
		if kind == recordEnd {
			return r.end(sum, body)
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
	r.sum.Write(binary.AppendUvarint([]byte{kind}, n))
	r.sum.Write(r.buf.Bytes())
	return kind, r.buf.Bytes(), nil
}

// end checks the sum of everything before and makes the state the store's.
func (r *restorer) end(sum, told []byte) error {
	if !bytes.Equal(sum, told) {
		return errors.New("its checksum is wrong")
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	if r.txn == nil {
		return errors.New("it has no header")
	}
	r.txn.Commit()
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
	return fmt.Errorf("records of kind %d are not known to this program", kind)
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
