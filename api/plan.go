package api

import "berth/structs"

// PlannedPlacement is an allocation that a job would be given, were it run now. Beside the contract.
type PlannedPlacement struct {
	Name      string
	TaskGroup string
	NodeID    structs.ID
	NodeName  string
	Canary    bool `json:",omitempty"`
	// Replaces is the id of the allocation whose place it takes, zero for none.
	Replaces structs.ID
	// Best are the nodes it was chosen from and the parts of their scores, the chosen one first.
	Best []*structs.NodeScoreMeta `json:",omitempty"`
}

// PlannedStop is an allocation that would end, and why.
type PlannedStop struct {
	ID       structs.ID
	Name     string
	NodeName string
	Reason   string
}
