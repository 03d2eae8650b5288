package bench

import (
	"os"
	"syscall"
	"testing"
)

func TestWhatAProcessHoldsIsItsOwnAndOfFiles(t *testing.T) {
	before, err := ResidentOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.Own <= 0 || before.Files <= 0 {
		t.Fatalf("%+v", before)
	}
	const more = 64 << 20
	block, err := syscall.Mmap(-1, 0, more, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Munmap(block); err != nil {
			t.Error(err)
		}
	}()
	for i := 0; i < more; i += 4096 {
		block[i] = 1
	}
	after, err := ResidentOf(os.Getpid())
	if err != nil || after.Own-before.Own < more/2 || after.Files-before.Files > more/2 {
		t.Errorf("%d bytes more: %+v, then %+v, %v", len(block), before, after, err)
	}
	if all, err := RSS(os.Getpid()); err != nil || all < more {
		t.Errorf("%d in all, %v", all, err)
	}
	if _, err := ResidentOf(1 << 30); err == nil {
		t.Error("a process that is not there has memory")
	}
}
