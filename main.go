// Berth turns a set of Linux machines into one computer.
package main

import (
	"os"

	"berth/cli"
	"berth/drivers/containerd/shim"
)

func main() {
	if shim.IsShim(os.Args[0]) {
		shim.Main()
	}
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
