// Command tidyreport prints the sizes of the code. It never fails for what it finds.
package main

import (
	"fmt"
	"os"

	"berth/internal/tidy"
)

func main() {
	all, err := tidy.List(".")
	if err == nil {
		err = tidy.Report(os.Stdout, all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidyreport:", err)
		os.Exit(1)
	}
}
