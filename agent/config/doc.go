// Package config is an agent's configuration: files and flags, merged into one struct with every default filled in.
//
// It owns the names of the settings (the contract's) and what they mean here. Files are HCL or JSON; several, or directories of
// them, are laid over each other in order, flags over all. What a setting asks for and Berth does not do is refused by name, or
// warned of where nothing is lost without it; never passed over. It starts nothing and looks at nothing but the files. Called by
// agent and cli; no goroutine.
//
// Invariant: a Config from Load or Default is complete and consistent; the parts of the agent only read it.
package config
