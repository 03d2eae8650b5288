package config

// AtRest says how a server's log and snapshots are encrypted on its disk.
type AtRest struct {
	// Off keeps them in clear.
	Off bool
	// One of these gives the key; without any it is a file beside the data directory: <data_dir>.key.
	KeyFile        string
	PassphraseFile string
	Command        []string
}

type atRestBlock struct {
	Enabled        *bool    `hcl:"enabled,optional"`
	KeyFile        *string  `hcl:"key_file,optional"`
	PassphraseFile *string  `hcl:"passphrase_file,optional"`
	Command        []string `hcl:"key_command,optional"`
}

// atRest takes over the at_rest block.
func (b *builder) atRest(r *atRestBlock) {
	c := &b.c.Server.AtRest
	if r.Enabled != nil {
		c.Off = !*r.Enabled
	}
	set(&c.KeyFile, r.KeyFile)
	set(&c.PassphraseFile, r.PassphraseFile)
	if r.Command != nil {
		c.Command = r.Command
	}
	ways := 0
	for _, there := range []bool{c.KeyFile != "", c.PassphraseFile != "", len(c.Command) > 0} {
		if there {
			ways++
		}
	}
	if ways > 1 {
		b.fail("server.at_rest: name one of key_file, passphrase_file and key_command")
	}
}

// SealFile is where the key of the data at rest is kept when nothing is said: beside the data directory, so that a copy of that tells
// nothing.
func SealFile(dataDir string) string { return dataDir + ".key" }
