package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/go-hclog"

	"berth/structs"
)

// restoringName is the file that says that the state is being replaced by a snapshot's and that no other server has confirmed it: it holds the
// index behind which the restored state begins. A server that starts with it takes the restore back. Why: a restored state does not follow from
// the log. A leader that had it alone would be sent what the others wrote meanwhile, take its indexes for applied, and keep a state of its own.
// Nothing was acknowledged since: no term runs during a restore.
const restoringName = "restoring"

// beginRestore notes that a restore begins behind an index.
func beginRestore(dataDir string, behind uint64) error {
	if dataDir == "" {
		return nil
	}
	return writeNew(filepath.Join(dataDir, restoringName), strconv.AppendUint(nil, behind, 10))
}

// endRestore notes that it is confirmed, or changed nothing.
func endRestore(dataDir string) error {
	if dataDir == "" {
		return nil
	}
	if err := os.Remove(filepath.Join(dataDir, restoringName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(dataDir)
}

// takeBackRestore removes what an unconfirmed restore left: snapshots and entries behind where it began. What was before is in the snapshot before
// and in the log.
func takeBackRestore(dataDir string, st *stores, log hclog.Logger) error {
	if dataDir == "" {
		return nil
	}
	path := filepath.Join(dataDir, restoringName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	behind, err := strconv.ParseUint(string(trimEnd(text)), 10, 64)
	if err != nil {
		return &structs.Error{Kind: structs.KindInternal, Subject: "the file " + path, Err: fmt.Errorf("is damaged: %w", err), Hint: wayOut(dataDir)}
	}
	list, err := st.snapshots.List()
	if err != nil {
		return err
	}
	kept := uint64(0) // index of the newest snapshot that stays
	dir := filepath.Join(dataDir, raftDirName, "snapshots")
	for _, m := range list {
		if m.Index <= behind {
			kept = max(kept, m.Index)
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, m.ID)); err != nil {
			return err
		}
	}
	first, err := st.log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := st.log.LastIndex()
	if err != nil {
		return err
	}
	if last > behind {
		if err := st.log.DeleteRange(max(first, behind+1), last); err != nil {
			return err
		}
	}
	if first > kept+1 {
		return &structs.Error{Kind: structs.KindInternal, Subject: "the state before a restore that no other server confirmed",
			Err: fmt.Errorf("is not whole: the log begins at %d, behind the snapshot at %d", first, kept), Hint: wayOut(dataDir)}
	}
	log.Warn("a restore that no other server had confirmed is taken back: the server ended in the middle of it", "behind_index", behind)
	return errors.Join(syncDir(dir), endRestore(dataDir))
}
