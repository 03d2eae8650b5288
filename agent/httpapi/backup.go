package httpapi

import (
	"errors"

	"berth/api"
	"berth/structs"
)

// errNotYet is of a server that saves none, or has only just begun to.
var errNotYet = errors.New("this server does not save the backups, or not yet")

// backup tells how the snapshots go that are saved by a schedule: the leader knows.
func (a *API) backup(*request) (any, error) {
	st, set := a.Server.Backup()
	switch {
	case !set:
		return nil, notFound("no backups are set: write server { backup { ... } } into the configuration of every server")
	case !st.Leads:
		return nil, &structs.Error{Kind: structs.KindNoLeader, Err: errNotYet, Hint: "ask the leader, without stale"}
	}
	out := &api.BackupStatus{Target: st.Target, Every: st.Every.String(), Keep: api.BackupKeep(st.Keep), Encrypted: st.Encrypted, Stored: []api.BackupFile{},
		NextAt: st.Next, LastError: st.LastError, Failures: st.Failures}
	for _, f := range st.Stored {
		out.Stored = append(out.Stored, api.BackupFile{Name: f.Name, TakenAt: f.Taken, Size: f.Size})
	}
	return out, nil
}
