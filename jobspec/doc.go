// Package jobspec turns the text of a job into a canonical structs.Job, or into diagnostics that show every mistake
// where it stands.
//
// It owns the job language: one table (the lang_*.go files) lists every block and attribute with its type, default and
// meaning, and drives decoding, suggestions, the reference documentation, the JSON schema and `explain`. It reads HCL
// native syntax, HCL-JSON and the JSON of the API. The rules a job must keep are structs.Job.Validate's; this package
// only finds the place in the text a fault is about.
//
// It never reads a file on its own (callers hand text in; the file functions of the language work only with
// ParseOptions.Dir), never talks to a server, and never panics on any input: sizes and nesting are bounded
// before the HCL parser, which has no limits of its own, sees the text.
//
// The command line, the agent's /v1/jobs/parse and tests call it. Pieces of large files are parsed on all processors by
// internal/parallel, which waits for them. Any number of callers may parse at once. Tables are constants: nothing in the package changes after the program started.
//
//go:generate go run berth/jobspec/gen ../docs/reference
package jobspec
