package fleet

import "berth/structs"

// Hold keeps room on a row for an allocation that waits until others have ended there: what they leave, and what is free
// already, is not given away. Free may be negative meanwhile. The use has the id that the allocation will have.
func (f *Fleet) Hold(u *Use, row int32) {
	u.Hold = true
	f.Add(u, row)
	f.holds[u.Job] = append(f.holds[u.Job], u.AllocID)
}

// ReleaseHolds gives up the room kept for a job and tells what it was by row; the job's next decision keeps it anew or uses it.
func (f *Fleet) ReleaseHolds(job structs.JobKey) map[int32][]*Use {
	ids := f.holds[job]
	if len(ids) == 0 {
		return nil
	}
	delete(f.holds, job)
	rows := make(map[int32][]*Use, len(ids))
	for _, id := range ids {
		if u := f.allocs[id]; u != nil {
			rows[u.row] = append(rows[u.row], u)
			f.Remove(id)
		}
	}
	return rows
}
