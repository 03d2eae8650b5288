package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"berth/jobspec"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen DIRECTORY")
		os.Exit(2)
	}
	for name, write := range map[string]func(io.Writer) error{
		"jobspec.md": jobspec.WriteReference, "jobspec.schema.json": jobspec.WriteSchema,
	} {
		var b bytes.Buffer
		err := write(&b)
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Args[1], name), b.Bytes(), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
