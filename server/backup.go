package server

import "berth/server/backup"

// backupHost is the server as its backup sees it.
type backupHost struct{ *Server }

// Archive implements backup.Host.
func (h backupHost) Archive() (backup.Archive, error) {
	a, err := h.SaveSnapshot()
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Backup tells how the snapshots go that are saved by a schedule; false when none are.
func (s *Server) Backup() (backup.Status, bool) {
	if s.backup == nil {
		return backup.Status{}, false
	}
	return s.backup.Status(), true
}
