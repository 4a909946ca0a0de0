//go:build linux

package interop

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

const (
	soon = 30 * time.Second // generous: the machine may be busy

	// overlap is how long two hosts may hold the address while it is handed over: the
	// loser needs a moment to hear of it, on a busy machine a long one.
	overlap = 500 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the binary once. The tests mostly wait, so more of them than processors
// run at a time.
func run(m *testing.M) int {
	flag.Parse()
	_ = flag.Set("test.parallel", "10")
	remove, err := testbin.Provide()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	return m.Run()
}
