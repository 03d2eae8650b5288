package fsm

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"berth/state"
	"berth/structs"
)

// Counts are how many records of each kind a snapshot has, and how long they are together.
type Counts struct {
	Index uint64
	// By kind, in the order of the snapshot.
	Kinds []KindCount
}

// KindCount is one line of Counts.
type KindCount struct {
	Kind  string
	Count int
	Size  int64 // bytes, before compression
}

var recordNames = map[byte]string{
	recordEnd: "Checksum", recordHeader: "Header", recordSchedulerConfig: "SchedulerConfiguration", recordNamespace: "Namespace", recordNodePool: "NodePool",
	recordNode: "Node", recordJobVersion: "JobVersion", recordJob: "Job", recordSubmission: "JobSubmission", recordSummary: "JobSummary",
	recordEval: "Evaluation", recordDeployment: "Deployment", recordTasks: "AllocatedTasks", recordResources: "AllocatedResources",
	recordMetrics: "AllocMetric", recordAlloc: "Allocation", recordAuthorityRoot: "AuthorityRoot", recordJoinToken: "JoinToken",
	recordPeriodicLaunch: "PeriodicLaunch", recordRegion: "Region", recordAutopilotConfig: "AutopilotConfiguration",
	recordPriorityClass: "PriorityClass", recordDisruptionBudget: "DisruptionBudget", recordWriter: "Writer", recordChain: "RollingHash",
	recordCertificateRevocation: "CertificateRevocation", recordACLPolicy: "ACLPolicy", recordACLRole: "ACLRole", recordACLToken: "ACLToken",
	recordACLBootstrap: "ACLBootstrap", recordOneTimeToken: "OneTimeToken", recordQueue: "Queue",
}

// Verify reads a whole snapshot as ReadSnapshot does, keeps no allocation, and counts. What passes it can be restored.
func Verify(from io.Reader) (*Counts, error) {
	r, done, err := openSnapshot(from, state.New())
	if err != nil {
		return nil, errSnapshot(err)
	}
	defer done()
	r.verify = &Counts{}
	if err := r.run(); err != nil {
		return nil, errSnapshot(err)
	}
	return r.verify, nil
}

func (c *Counts) count(kind byte, size int) {
	name := recordNames[kind]
	if n := len(c.Kinds); n > 0 && c.Kinds[n-1].Kind == name {
		c.Kinds[n-1].Count++
		c.Kinds[n-1].Size += int64(size)
		return
	}
	for i := range c.Kinds {
		if c.Kinds[i].Kind == name {
			c.Kinds[i].Count++
			c.Kinds[i].Size += int64(size)
			return
		}
	}
	c.Kinds = append(c.Kinds, KindCount{name, 1, int64(size)})
}

// Rebase copies a snapshot that passed Verify for a cluster that goes on: as of the index given, which all tables then changed at, so that
// nobody who waits for a change misses it; with what has not ended of the allocations changed there too, so that their nodes look at it and say how it
// stands now, which the snapshot cannot know; with the authority's roots, the join tokens and the regions of keep, for who may talk to whom is the running
// cluster's; and with a rolling hash that begins there.
func Rebase(to io.Writer, from io.Reader, index uint64, keep *state.Snapshot) error {
	r, done, err := openSnapshot(from, nil)
	if err != nil {
		return errSnapshot(err)
	}
	defer done()
	if _, err := io.WriteString(to, snapshotMagic+string(rune(snapshotVersion))); err != nil {
		return err
	}
	z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	w := &recorder{out: bufio.NewWriterSize(z, 64<<10), sum: sha256.New(), shared: map[any]uint64{}}
	err = r.rebase(w, index, keep)
	if err == nil {
		err = w.out.Flush()
	}
	return errors.Join(err, z.Close())
}

func (r *restorer) rebase(w *recorder, index uint64, keep *state.Snapshot) error {
	kept := false
	for w.err == nil {
		kind, body, err := r.next()
		if err != nil {
			return errSnapshot(err)
		}
		switch kind {
		case recordHeader:
			header := binary.AppendUvarint(nil, index)
			for range state.TableCount {
				header = binary.AppendUvarint(header, index)
			}
			w.raw(kind, header)
			seed := binary.BigEndian.AppendUint64([]byte("berth restore\n"), index)
			hash := sha256.Sum256(seed)
			w.raw(recordChain, append(binary.AppendUvarint(nil, index), hash[:]...))
			continue
		case recordAlloc:
			if err := w.changedAlloc(body, index); err != nil {
				return errSnapshot(err)
			}
			continue
		case recordChain, recordAuthorityRoot, recordJoinToken, recordRegion:
			continue
		case recordWriter, recordSchedulerConfig, recordNamespace, recordNodePool:
		default:
			if !kept {
				recordAll(w, recordAuthorityRoot, keep.AuthorityRoots())
				recordAll(w, recordJoinToken, keep.JoinTokens())
				recordAll(w, recordRegion, keep.Regions())
				kept = true
			}
		}
		if kind == recordEnd {
			w.end()
			return w.err
		}
		w.raw(kind, body)
	}
	return w.err
}

// changedAlloc copies the record of an allocation, which changes at an index if it has not ended.
func (w *recorder) changedAlloc(body []byte, index uint64) error {
	var shared [2]uint64
	rest, err := numbers(body, &shared[0], &shared[1])
	if err != nil {
		return err
	}
	var al structs.Allocation
	if err := decode(rest, &al); err != nil {
		return err
	}
	if al.ClientTerminal() {
		w.raw(recordAlloc, body)
		return nil
	}
	al.AllocModifyIndex, al.ModifyIndex = index, index
	w.object(recordAlloc, shared[:], &al)
	return nil
}

// errSnapshot names a snapshot that cannot be restored.
func errSnapshot(err error) error {
	return &structs.Error{Op: "restore snapshot", Kind: structs.KindInternal, Err: err, Hint: "the file is damaged or not a snapshot: use another one"}
}

// openSnapshot reads the head; done gives the decoder's memory back.
func openSnapshot(from io.Reader, store *state.Store) (r *restorer, done func(), err error) {
	head := make([]byte, len(snapshotMagic)+1)
	if _, err := io.ReadFull(from, head); err != nil || string(head[:len(snapshotMagic)]) != snapshotMagic {
		return nil, nil, errors.New("it does not begin as a snapshot does")
	}
	if v := head[len(snapshotMagic)]; v != snapshotVersion {
		return nil, nil, fmt.Errorf("it has form %d, this program reads form %d", v, snapshotVersion)
	}
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return nil, nil, err
	}
	return &restorer{in: bufio.NewReaderSize(z, 64<<10), sum: sha256.New(), store: store, texts: texts{}}, z.Close, nil
}
