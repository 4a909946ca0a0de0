//go:build linux

package vm

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
)

// without takes the module of a scheduler out of the kernel.
func without(t *testing.T, scheduler string) (there func() bool) {
	t.Helper()
	there = func() bool {
		_, err := os.Stat("/sys/module/ip_vs_" + scheduler)
		return err == nil
	}
	if there() {
		run(t, "rmmod", "ip_vs_"+scheduler)
	}
	if there() {
		t.Fatalf("the module of %s stays", scheduler)
	}
	return there
}

func TestAModuleIsLoadedBeforeItsSchedulerIsUsed(t *testing.T) {
	k := open(t)
	there := without(t, "lblc")
	if err := k.Apply([]ipvs.Op{ipvs.AddService{Key: tcp("10.0.0.3:80"), Options: ipvs.Options{Scheduler: "lblc", Bits: 32}}}); err != nil {
		t.Fatal(err)
	}
	if !there() {
		t.Error("the service is there, and the module is not")
	}
}

// The service's unit takes away the capability to load modules.
func TestWhereNoModuleMayBeLoadedTheKernelIsNotAskedForOneThatMayHangIt(t *testing.T) {
	k := open(t)
	t.Cleanup(func() { run(t, "modprobe", "-a", "ip_vs_lblcr") })
	there := without(t, "lblcr")
	without(t, "sed")
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and the thread ends with the goroutine
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_MODULE, 0, 0, 0); err != nil {
			ended <- err
			return
		}
		add := func(scheduler string) error {
			return k.Apply([]ipvs.Op{ipvs.AddService{Key: tcp("10.0.0.3:80"), Options: ipvs.Options{Scheduler: scheduler, Bits: 32}}})
		}
		err := add("lblcr")
		if again := add("lblcr"); again == nil || again.Error() != err.Error() {
			t.Errorf("the first time %v, the second %v", err, again)
		}
		if err := add("sed"); err != nil { // the kernel may load that one by itself
			t.Error(err)
		}
		ended <- err
	}()
	err := <-ended
	if _, ok := errors.AsType[ipvsnet.UnsafeScheduler](err); !ok {
		t.Fatalf("got %v", err)
	}
	const want = "add tcp 10.0.0.3:80: lblcr: the scheduler lblcr is not loaded, and the kernel may hang if it has to load it by itself: load its module (modprobe ip_vs_lblcr), and have it loaded at boot: echo ip_vs_lblcr >> /etc/modules-load.d/ip_vs.conf"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if there() {
		t.Error("the module is there")
	}
}
