package httpapi

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"berth/server/archive"
)

func (a *API) snapshotRoutes() {
	a.route("/v1/operator/backup", methods{http.MethodGet: operatorRead().then(a.backup)})
	a.stream("/v1/operator/snapshot", streams{http.MethodGet: snapshotSave().stream(a.snapshotSave),
		http.MethodPut: management().stream(func(_ http.ResponseWriter, r *request) error { return a.snapshotRestore(r) })})
}

// snapshotSave sends an archive of the state. It is whole before its first byte is sent: its digest goes before it.
func (a *API) snapshotSave(w http.ResponseWriter, r *request) error {
	saved, err := a.Server.SaveSnapshot()
	if err != nil {
		return err
	}
	defer func() { _ = saved.Close() }() // it has no name: nothing of it stays
	h := w.Header()
	h.Set("Content-Type", "application/x-gzip")
	h.Set("Content-Length", strconv.FormatInt(saved.Size, 10))
	h.Set("Digest", "sha-256="+base64.StdEncoding.EncodeToString(saved.Digest[:]))
	r.index = saved.Meta.Index
	r.writeIndex()
	return saved.Copy(w)
}

func (a *API) snapshotRestore(r *request) error {
	got, err := a.Server.RestoreSnapshot(r.ctx(), r.long(archive.MaxBytes, "snapshot"), r.flag("any_region"))
	if err != nil {
		return err
	}
	r.index = got.Index
	r.writeIndex()
	return nil
}
