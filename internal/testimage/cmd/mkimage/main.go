// Command mkimage writes the archive of a small busybox image, for the sample job and for trying things out.
//
//	mkimage -o web.tar -name berth.local/web:1 -http
package main

import (
	"flag"
	"fmt"
	"os"

	"berth/internal/testimage"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func run() error {
	out := flag.String("o", "", "file to write")
	imageName := flag.String("name", "berth.local/busybox:1", "name of the image")
	web := flag.Bool("http", false, "serve a page at $PORT or 8080, instead of running a shell")
	docker := flag.Bool("docker", false, "write the form of `docker save` instead of an OCI layout")
	flag.Parse()
	if *out == "" || flag.NArg() != 0 {
		return fmt.Errorf("usage: mkimage -o FILE [-name NAME] [-http] [-docker]")
	}
	return write(*out, *imageName, *web, *docker)
}

func write(file, imageName string, web, docker bool) error {
	img, err := testimage.New(testimage.Options{})
	if web {
		img, err = testimage.Web()
	}
	if err != nil {
		return err
	}
	tmp := file + ".partial"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	form := testimage.WriteOCIArchive
	if docker {
		form = testimage.WriteDockerArchive
	}
	if err := form(f, imageName, img); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}
