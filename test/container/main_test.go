// Package container tests pairkeeper as PID 1 beside a real nginx or HAProxy, in namespaces
// that are furnished as examples/container has a container engine do it.
package container

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// soon is generous: the machine may be busy.
const soon = 60 * time.Second

func TestMain(m *testing.M) {
	if text := os.Getenv(asEngine); text != "" {
		var s spec
		err := json.Unmarshal([]byte(text), &s)
		if err == nil {
			err = s.enter()
		}
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(125)
	}
	remove, err := testbin.Provide()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}
