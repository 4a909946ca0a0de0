package netlab

import (
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// NoSkip is the environment variable that turns a skip into a failure.
const NoSkip = "PAIRKEEPER_NO_SKIP"

// Need skips the test where namespaces cannot be made or one of the programs is not
// installed. With PAIRKEEPER_NO_SKIP=1 it fails instead.
func Need(t T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Lacking(t, "needs root to make network namespaces (try: unshare -Urn)")
	}
	if err := inNewNamespace(func() error { return nil }); err != nil {
		Lacking(t, "needs network namespaces: "+err.Error())
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			Lacking(t, "needs the program "+p)
		}
	}
}

// Lacking skips the test for what this machine lacks, such as "needs root"; with
// PAIRKEEPER_NO_SKIP=1 it fails it.
func Lacking(t T, what string) {
	t.Helper()
	if os.Getenv(NoSkip) == "1" {
		t.Fatalf("%s, and %s=1 forbids to skip", what, NoSkip)
	}
	t.Skipf("%s", what)
}

// inNewNamespace runs f on a thread in a network namespace of its own, which lasts
// as long as something refers to it.
func inNewNamespace(f func() error) error {
	return onThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, f)
}

// inNamespace runs f on a thread in the network namespace of a descriptor.
func inNamespace(fd int, f func() error) error {
	return onThread(func() error { return unix.Setns(fd, unix.CLONE_NEWNET) }, f)
}

// onThread locks the goroutine to its thread, enters a network namespace, runs f
// and comes back, also when f panics or ends the goroutine. A thread that cannot
// come back stays locked and dies with the goroutine.
func onThread(enter, f func() error) error {
	runtime.LockOSThread()
	home, err := openOwn()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer unix.Close(home)
	if err := enter(); err != nil {
		runtime.UnlockOSThread()
		return os.NewSyscallError("entering a network namespace", err)
	}
	defer func() {
		if unix.Setns(home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}

// openOwn opens the network namespace of this thread.
func openOwn() (int, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return fd, os.NewSyscallError("open /proc/thread-self/ns/net", err)
}
