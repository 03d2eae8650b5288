package structs

// Region is another region this one is joined with: whom to trust there, and where it is found.
type Region struct {
	Name string
	// Roots are its certificate authorities, DER. They vouch for certificates of that region alone.
	Roots [][]byte
	// SealedKeys are the keys its gossip is encrypted with, sealed with a key only this region's servers have.
	SealedKeys []byte
	// Servers are addresses of its cluster ports, Gossip those of its gossip, host:port.
	Servers []string
	Gossip  []string
	// Via is the region that told of it; empty for one that was joined with a token.
	Via string
	// Forgotten is a region that is no longer trusted. It is kept so that no other region brings it back; a token does.
	Forgotten   bool
	CreateIndex uint64
	ModifyIndex uint64
}

// RegionCommand stores regions. One that was forgotten stays so, unless Anew says that a token was used.
type RegionCommand struct {
	Regions []*Region
	Anew    bool
}

// AutopilotConfiguration is how servers that fail or come are treated, as it is replicated.
type AutopilotConfiguration struct {
	CleanupDeadServers      bool
	LastContactThreshold    int64 // ns
	MaxTrailingLogs         uint64
	MinQuorum               uint
	ServerStabilizationTime int64 // ns
	CreateIndex             uint64
	ModifyIndex             uint64
}

// AutopilotConfigCommand replaces the autopilot's configuration; with Check only at Index.
type AutopilotConfigCommand struct {
	Config *AutopilotConfiguration
	Check  bool
	Index  uint64
}
