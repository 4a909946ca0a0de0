package probesnet

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readFile reads a regular file up to a limit; it waits for nobody, as opening a FIFO
// would.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("is not a file (%s)", info.Mode().Type())
	}
	return io.ReadAll(io.LimitReader(f, limit))
}
