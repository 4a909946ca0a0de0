//go:build linux

// Package vmlab runs the tests of a package inside a virtual machine, with a stock
// Debian kernel: for what the kernel of the machine may lack, such as IPVS, dummy
// interfaces and netem. It needs neither root nor KVM.
//
// The test binary boots the machine with itself as the first process:
//
//	func TestMain(m *testing.M) {
//		os.Exit(vmlab.Main(m, vmlab.Payload{Programs: []string{"nginx", "ip", "nft"}}))
//	}
//
//	func TestSomething(t *testing.T) {
//		vmlab.Need(t)
//		…
//	}
//
// So all tests of the package share one boot, and flags, output and results are those
// of go test: -run, -v, -json and -timeout mean what they always do.
//
//	go test ─ test binary ─ qemu ─┬─ console: the kernel's and the init's words
//	          (boots, watches)    └─ second serial line: what the tests print
//	                                 │
//	                              init: the test binary (mounts, reaps, tells the result)
//	                                 └─ the test binary again: runs the tests
//
// The machine has one file system, in memory, unpacked from two archives: the base, which
// is made once and kept in the cache (the kernel's modules, busybox), and the payload,
// which is made for each run (the test binary, programs of the host with their libraries,
// files). Modules are loaded when something first needs them, as on any Linux.
//
// Nothing of a run has a name on the host: the archive is an unnamed file in memory, and
// the kernel kills qemu when the test binary dies.
package vmlab
