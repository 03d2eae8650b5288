package cli

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/api"
)

func TestBackupStatus(t *testing.T) {
	at := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	st := api.BackupStatus{Target: "s3: backups/berth/ at https://s3.example.com", Every: "1h0m0s", Keep: api.BackupKeep{Last: 24, Daily: 7}, Encrypted: true, NextAt: at.Add(time.Hour),
		Stored: []api.BackupFile{{Name: "berth-global-20261128T020000Z.snap.age", TakenAt: at.Add(-time.Hour), Size: 4000}, {Name: "berth-global-20261128T030000Z.snap.age", TakenAt: at, Size: 4096}}}
	f := newFake(t, map[string]any{"GET /v1/operator/backup": &st})
	got := f.berth(t, "operator", "backup", "status")
	if got.code != 0 {
		t.Errorf("%+v", got)
	}
	golden(t, "backup-status", got.out)
	st.Failures, st.LastError, st.Stored, st.NextAt, st.Every = 3, "list the snapshots: access denied", nil, time.Time{}, "15m0s"
	if got := f.berth(t, "operator", "backup", "status"); got.code != 1 || !strings.Contains(got.err, "in the last 3 attempts: list the snapshots: access denied") ||
		!strings.Contains(got.out, "None is there") || !strings.Contains(got.out, "= 15m\n") {
		t.Errorf("%+v", got)
	}
	none := newFake(t, map[string]any{"GET /v1/operator/backup": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no backups are set", http.StatusNotFound) }})
	if got := none.berth(t, "operator", "backup", "status"); got.code != 1 || !strings.Contains(got.err, "no backups are set") {
		t.Errorf("%+v", got)
	}
}
