package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"berth/internal/atrest"
	"berth/internal/boltfile"
	"berth/internal/durable"
	"berth/structs"
)

// Files of a server's data directory besides its identity.
const (
	raftDirName = "raft"
	logName     = "raft.db"
	// memberName is the file that says that the directory belongs to a member of a cluster, whose log must be there.
	memberName = "member"
)

const memberText = "This directory belongs to a member of a cluster: the log in raft/ belongs to it.\n"

// stores are where raft keeps its log, its vote and its snapshots.
type stores struct {
	log       raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	disk      *disk   // nil in memory
	recent    *recent // nil in memory
}

func (s *stores) close() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.Close()
}

// openStores opens raft's files below the data directory, or makes stores in memory. A log that is damaged, or not there although the
// directory had one, is an error that says so: an empty cluster must never take the place of one that was lost.
func openStores(cfg Config) (*stores, error) {
	dataDir := cfg.DataDir
	if dataDir == "" {
		mem := raft.NewInmemStore()
		return &stores{log: mem, stable: mem, snapshots: raft.NewInmemSnapshotStore()}, nil
	}
	dir := filepath.Join(dataDir, raftDirName)
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the raft directory: %w", err)
	}
	path := filepath.Join(dir, logName)
	if err := checkDiverged(dataDir); err != nil {
		return nil, err
	}
	if err := checkLost(dataDir, path); err != nil {
		return nil, err
	}
	bolt, err := openLog(path, cfg.Logger)
	switch {
	case boltfile.IsLocked(err):
		return nil, errDataDirUsed(dataDir)
	case boltfile.IsDamage(err):
		return nil, errDamagedLog(dataDir, path, err)
	case err != nil:
		return nil, fmt.Errorf("open the cluster's log %s: %w", path, err)
	}
	var st storage = bolt
	if cfg.faulty != nil {
		st = cfg.faulty(st)
	}
	var sealer *atrest.Sealer
	if cfg.Seal != nil {
		if sealer, err = atrest.NewSealer(cfg.Seal); err != nil {
			return nil, errors.Join(err, bolt.Close())
		}
	}
	d := newDisk(newPackedLog(sealedLog{summed{st}, sealer}), path)
	snaps, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsRetained, raftLogger(cfg.Logger))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the snapshot directory: %w", err), bolt.Close())
	}
	if err := checkSnapshot(dataDir, snaps); err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	if err := durable.SyncDir(dir); err != nil { // raft does not
		return nil, errors.Join(fmt.Errorf("keep the names in %s: %w", dir, err), bolt.Close())
	}
	kept := keptSnapshots{snaps, filepath.Join(dir, "snapshots")}
	log := newRecent(d)
	return &stores{log: log, stable: d, snapshots: sealedSnapshots{kept, cfg.Seal}, disk: d, recent: log}, nil
}

// checkSnapshot reads the newest snapshot to its end. Raft alone would take an older one, and say so to nobody.
func checkSnapshot(dataDir string, snaps *raft.FileSnapshotStore) error {
	list, err := snaps.List()
	if err != nil {
		return fmt.Errorf("look at the snapshots: %w", err)
	}
	if len(list) == 0 {
		return nil
	}
	_, file, err := snaps.Open(list[0].ID) // it checks the file's checksum
	if err == nil {
		return file.Close()
	}
	path := filepath.Join(dataDir, raftDirName, "snapshots", list[0].ID, "state.bin")
	return &structs.Error{Kind: structs.KindInternal, Subject: "the snapshot " + path, Err: fmt.Errorf("is damaged: %w", err), Hint: wayOut(dataDir)}
}

// openLog opens the log's file once all of it was read and it is compact.
func openLog(path string, log hclog.Logger) (bolt *raftboltdb.BoltStore, err error) {
	err = boltfile.GuardOpen(func(open boltfile.OpenFile) error {
		if err := boltfile.Make(path); err != nil {
			return err
		}
		if err := boltfile.Verify(path); err != nil {
			return err
		}
		res, err := boltfile.Compact(path)
		if err != nil {
			return err
		}
		if res.BytesBefore > 0 {
			log.Info("compacted the raft log", "bytes_before", res.BytesBefore, "bytes_after", res.BytesAfter)
		}
		bolt, err = raftboltdb.New(raftboltdb.Options{
			Path: path,
			BoltOptions: &bbolt.Options{
				Timeout: boltfile.LockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
				OpenFile: open,
			},
			MsgpackUseNewTimeFormat: true,
		})
		return err
	})
	return bolt, err
}

// checkLost refuses a directory whose log is gone or empty although it had one.
func checkLost(dataDir, path string) error {
	if _, err := os.Stat(filepath.Join(dataDir, memberName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look for the cluster's log: %w", err)
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errLostLog(dataDir, path, "is missing")
	case err != nil:
		return fmt.Errorf("look for the cluster's log: %w", err)
	case st.Size() == 0:
		return errLostLog(dataDir, path, "is empty")
	}
	return nil
}

// markMember notes that the directory holds a member's log.
func markMember(dataDir string) error {
	if dataDir == "" {
		return nil
	}
	path := filepath.Join(dataDir, memberName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := durable.WriteFile(path, []byte(memberText)); err != nil {
		return fmt.Errorf("mark the data directory: %w", err)
	}
	if err := os.Remove(filepath.Join(dataDir, rejoinName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mark the data directory: %w", err)
	}
	return durable.SyncDir(dataDir)
}

func errUnusable(dataDir string, err error) error {
	return &structs.Error{Kind: structs.KindInternal, Op: "start from", Subject: filepath.Join(dataDir, raftDirName), Err: err, Hint: wayOut(dataDir)}
}

// wayOut is how a server comes back whose own files are lost.
func wayOut(dataDir string) string {
	return fmt.Sprintf("`berth operator rejoin` with its configuration makes it get everything from the other servers; if it was the only one, restore %s from a backup, or "+
		"move it away, start an empty cluster, and restore a snapshot", dataDir)
}

func errLostLog(dataDir, path, what string) error {
	return &structs.Error{Kind: structs.KindConflict, Subject: "the cluster's log " + path, Err: fmt.Errorf("%s, and this server was part of a cluster", what),
		Hint: wayOut(dataDir)}
}

func errDamagedLog(dataDir, path string, err error) error {
	return &structs.Error{Kind: structs.KindInternal, Subject: "the cluster's log " + path, Err: fmt.Errorf("is damaged: %w", err), Hint: wayOut(dataDir)}
}

func errDataDirUsed(dir string) error {
	return &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("data directory %s is used by another agent", dir),
		Hint: "stop that agent, or give this one its own data_dir"}
}
