package version

import "runtime/debug"

// Number is the release this tree leads to.
const Number = "0.1.0"

// linked is set by the linker (GNUmakefile) and by nothing else; empty in `go run` and in tests.
var linked string

// String is the version as shown to people and reported by nodes, such as "0.1.0-dev+1a2b3c4d5e".
func String() string {
	if linked != "" {
		return linked
	}
	return Number + "-dev"
}

// Revision is the commit this program was built from, "" when it is not known.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
