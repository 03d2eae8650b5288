package security

import (
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server/authority"
	"berth/state"
	"berth/structs"
)

// TrustRegions trusts the regions this one is joined with in a version of the state, and them alone, and gives them. What stands with
// others ends. Those whose record is damaged are left out, with an error.
func (s *Security) TrustRegions(snap *state.Snapshot) ([]transport.RegionInfo, error) {
	known, err := s.auth.Load().Regions(snap)
	trusted := map[string]*pki.Bundle{}
	for _, r := range known {
		roots, perr := pki.ParseBundle(r.Roots)
		if perr != nil {
			return nil, perr
		}
		trusted[r.Name] = roots
	}
	s.source.TrustRegions(trusted)
	t := s.peers.Load()
	for _, p := range t.Peers() {
		if p.Region != s.cfg.Region && trusted[p.Region] == nil {
			t.Disconnect(p.ID)
		}
	}
	return known, err
}

// Revoke refuses the certificates that are revoked in a version of the state, and them alone, ends what stands with their holders, and
// gives the ids of those it did that to.
func (s *Security) Revoke(snap *state.Snapshot) []structs.ID {
	s.source.Revoke(authority.Revoked(snap))
	return s.peers.Load().CloseRevoked()
}
