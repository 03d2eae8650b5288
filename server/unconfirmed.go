package server

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/durable"
	"berth/structs"
)

// restoringName is the file that says that the state is being replaced by a snapshot's and that no other server has confirmed it: it holds the
// index behind which the restored state begins. A server that starts with it takes the restore back. Why: a restored state does not follow from
// the log. A leader that had it alone would be sent what the others wrote meanwhile, take its indexes for applied, and keep a state of its own.
// Nothing was acknowledged since: no term runs during a restore.
const restoringName = "restoring"

// disprovedWord stands behind the index when the others have another history behind it for certain.
const disprovedWord = "disproved"

// mark is what the file says.
type mark struct {
	behind    uint64
	disproved bool
}

func writeMark(dataDir string, m mark) error {
	text := strconv.AppendUint(nil, m.behind, 10)
	if m.disproved {
		text = append(text, " "+disprovedWord...)
	}
	return durable.WriteFile(filepath.Join(dataDir, restoringName), text)
}

// readMark reads the file; false without one.
func readMark(dataDir string) (m mark, there bool, err error) {
	path := filepath.Join(dataDir, restoringName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	number, disproved := strings.CutSuffix(string(trimEnd(text)), " "+disprovedWord)
	behind, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return m, false, &structs.Error{Kind: structs.KindInternal, Subject: "the file " + path, Err: fmt.Errorf("is damaged: %w", err), Hint: wayOut(dataDir)}
	}
	return mark{behind, disproved}, true, nil
}

// beginRestore notes that a restore begins behind an index.
func beginRestore(dataDir string, behind uint64) error {
	if dataDir == "" {
		return nil
	}
	return writeMark(dataDir, mark{behind: behind})
}

// endRestore notes that it is confirmed, or changed nothing.
func endRestore(dataDir string) error {
	if dataDir == "" {
		return nil
	}
	if err := os.Remove(filepath.Join(dataDir, restoringName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(dataDir)
}

// snapshotsIn lists all snapshots of a directory, newest first. Raft's own list ends with those it would keep.
func snapshotsIn(dataDir string) ([]*raft.SnapshotMeta, error) {
	files, err := raft.NewFileSnapshotStoreWithLogger(filepath.Join(dataDir, raftDirName), math.MaxInt, hclog.NewNullLogger())
	if err != nil {
		return nil, err
	}
	return files.List()
}

// forgetSnapshots removes those behind an index.
func forgetSnapshots(dataDir string, behind uint64) error {
	if dataDir == "" {
		return nil
	}
	list, err := snapshotsIn(dataDir)
	if err != nil {
		return err
	}
	dir := filepath.Join(dataDir, raftDirName, "snapshots")
	for _, m := range list {
		if m.Index > behind {
			if err := os.RemoveAll(filepath.Join(dir, m.ID)); err != nil {
				return err
			}
		}
	}
	return durable.SyncDir(dir)
}

// takeBackRestore removes what an unconfirmed restore left: snapshots and entries behind where it began. What was before is in the snapshot before
// and in the log; when it is not, nothing is removed.
func takeBackRestore(dataDir string, st *stores, log hclog.Logger) error {
	if dataDir == "" {
		return nil
	}
	m, there, err := readMark(dataDir)
	if err != nil || !there {
		return err
	}
	list, err := snapshotsIn(dataDir)
	if err != nil {
		return err
	}
	first, err := st.log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := st.log.LastIndex()
	if err != nil {
		return err
	}
	if !m.disproved {
		led, err := ledSince(m.behind, list, last, st.log)
		if err != nil {
			return err
		}
		if led {
			log.Warn("a restore of which it was not noted that the others confirmed it stays: there was a leader since who had it", "behind_index", m.behind)
			return endRestore(dataDir)
		}
	}
	kept, found := keptSnapshot(m.behind, list, st.snapshots)
	if first > kept+1 || first == 0 && !found {
		path := filepath.Join(dataDir, restoringName)
		return &structs.Error{Kind: structs.KindInternal, Subject: "the state before a restore that no other server confirmed",
			Err:  fmt.Errorf("is not whole: the log begins at %d, behind the snapshot at %d", first, kept),
			Hint: wayOut(dataDir) + "; the only server of a cluster keeps the restored state when " + path + " is removed"}
	}
	if err := forgetSnapshots(dataDir, m.behind); err != nil {
		return err
	}
	if last > m.behind {
		if err := st.log.DeleteRange(max(first, m.behind+1), last); err != nil {
			return err
		}
	}
	log.Warn("a restore that no other server had confirmed is taken back: the server ended in the middle of it, or the others went on without it", "behind_index", m.behind)
	return endRestore(dataDir)
}

// keptSnapshot is the index of the newest snapshot up to an index that can be read, 0 and false without one.
func keptSnapshot(behind uint64, list []*raft.SnapshotMeta, in raft.SnapshotStore) (index uint64, found bool) {
	for _, s := range list {
		if s.Index > behind || s.Index <= index {
			continue
		}
		if _, file, err := in.Open(s.ID); err == nil { // it checks the file's checksum
			_ = file.Close() // it was read
			index, found = s.Index, true
		}
	}
	return index, found
}

// ledSince reports that what is behind an index is of more than one term. A restore leaves that of its leader alone. Another one shows that somebody
// led who had the restored state, and that what was written then may have been acknowledged: a server that stepped down in a restore followed
// already, or an older program, which does not know the mark, ran in between.
func ledSince(behind uint64, list []*raft.SnapshotMeta, last uint64, log raft.LogStore) (bool, error) {
	oldest, newest := uint64(math.MaxUint64), uint64(0)
	see := func(term uint64) { oldest, newest = min(oldest, term), max(newest, term) }
	for _, s := range list {
		if s.Index > behind {
			see(s.Term)
		}
	}
	if last > behind {
		var l raft.Log
		if err := log.GetLog(last, &l); err != nil {
			return false, err
		}
		see(l.Term)
	}
	return newest > oldest, nil
}
