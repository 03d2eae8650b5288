// Command structsgen writes the encoding of the nouns: what msgp writes, with every field left out that says nothing. Most fields of
// a job are empty; without them an entry of the log is half as long, and every server reads it in half the time. Readers of any
// version take a field that is not there as empty. Values of types that have usual ones (structs/usual.go) are read through these.
//
//	structsgen FOLDER FILE
package main

import (
	"fmt"
	"go/format"
	"os"
	"regexp"

	"github.com/tinylib/msgp/gen"
	"github.com/tinylib/msgp/parse"
	"github.com/tinylib/msgp/printer"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: structsgen FOLDER FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "structsgen:", err)
		os.Exit(1)
	}
}

func run(folder, file string) error {
	fs, err := parse.File(folder, false, nil)
	if err != nil {
		return err
	}
	for _, elem := range fs.Identities {
		s, ok := elem.(*gen.Struct)
		if !ok || s.AsTuple || s.AsVarTuple {
			continue
		}
		for i := range s.Fields {
			if part := omit(s.Fields[i].FieldElem); part != "" {
				s.Fields[i].FieldTagParts = append(s.Fields[i].FieldTagParts, part)
			}
		}
	}
	if err := printer.PrintFile(file, fs, gen.Marshal|gen.Unmarshal|gen.Size); err != nil {
		return err
	}
	return throughUsual(file)
}

// reading is how msgp reads what a pointer is to.
var reading = regexp.MustCompile(`if (z\.\w+) == nil \{\s+z\.\w+ = new\((UpdateStrategy|MigrateStrategy|RestartPolicy|ReschedulePolicy|EphemeralDisk|LogConfig)\)\s+\}\s+` +
	`bts, err = z\.\w+\.UnmarshalMsg\(bts\)`)

// throughUsual has types with usual values read through them.
func throughUsual(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err = format.Source(reading.ReplaceAll(text, []byte("$1, bts, err = decodeUsual(usual$2, bts, $1)")))
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// omit is the tag that leaves an empty value out, "" for values that are always written: structs, and names of other packages.
func omit(e gen.Elem) string {
	switch v := e.(type) {
	case *gen.Ptr, *gen.Slice, *gen.Map:
		return "omitempty"
	case *gen.Array: // the ids are the only ones, and say whether they are none
		return "omitzero"
	case *gen.BaseElem:
		switch {
		case v.Value == gen.Time:
			return "omitzero"
		case v.Value != gen.IDENT && v.Value != gen.Ext && v.Value != gen.Intf && v.IfZeroExpr() != "":
			return "omitempty"
		}
	}
	return ""
}
