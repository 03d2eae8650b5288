package api

import (
	"context"
	"time"
)

// BackupStatus is how the snapshots go that the leader saves by a schedule.
type BackupStatus struct {
	Target    string
	Every     string // a duration
	Keep      BackupKeep
	Encrypted bool
	Stored    []BackupFile // when they were last listed, the oldest first
	NextAt    time.Time    // when the next is saved, or a fault is tried again
	LastError string       // "" when the last attempt went well
	Failures  int          // in a row
}

// BackupKeep says how many snapshots are kept: of all, and one of each hour, day, week and month.
type BackupKeep struct{ Last, Hourly, Daily, Weekly, Monthly int }

// BackupFile is a snapshot that is stored.
type BackupFile struct {
	Name    string
	TakenAt time.Time
	Size    int64 // bytes
}

// Backup tells how the snapshots go that the leader saves. The error is a 404 when the leader has no schedule.
func (o Operator) Backup(ctx context.Context) (*BackupStatus, error) {
	out, _, err := get[*BackupStatus](ctx, o.c, "/v1/operator/backup", nil)
	return out, err
}
