//go:build linux

package proxynet

import (
	"os"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// The tests of Unit run against the real systemd of a host of the lab.
func TestMain(m *testing.M) { os.Exit(hostlab.Main(m)) }
