//go:build linux

// Package vm tests on a kernel that has IPVS, inside a virtual machine.
package vm

import (
	"os"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/vmlab"
)

func TestMain(m *testing.M) {
	os.Exit(vmlab.Main(m, vmlab.Payload{
		Programs:   []string{"nginx", "ip", "nft", "ipvsadm"},
		Files:      []string{examplesFolder + "/lvs-dr", examplesFolder + "/lvs-nat", guide},
		Pairkeeper: true,
	}))
}
