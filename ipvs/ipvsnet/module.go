package ipvsnet

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/realtime"
	"github.com/pairkeeper/pairkeeper/ipvs"
)

// ErrNone tells that the kernel has no IPVS.
var ErrNone = errors.New("the kernel has no IPVS: " + loadIt("ip_vs") + "; a kernel without CONFIG_IP_VS cannot do it")

// loadIt says how an operator loads a module. The service is not allowed to.
func loadIt(module string) string {
	return fmt.Sprintf("load its module (modprobe %s), and have it loaded at boot: echo %s >> /etc/modules-load.d/ip_vs.conf", module, module)
}

// present finds the family of IPVS, after loading the module where that is possible.
func present() (uint16, error) {
	family, err := findFamily(familyName)
	if errors.Is(err, unix.ENOENT) {
		loadModule("ip_vs")
		family, err = findFamily(familyName)
	}
	if err != nil {
		return 0, explainFamily(err)
	}
	return family, nil
}

func explainFamily(err error) error {
	if errors.Is(err, unix.ENOENT) {
		return ErrNone
	}
	return fmt.Errorf("the kernel does not tell of IPVS: %w", err)
}

// loadModule is no failure where it is not allowed: an operator may have done it.
func loadModule(name string) {
	modprobe := exec.Command("/sbin/modprobe", "-q", name)
	if realtime.Start(modprobe) == nil {
		_ = modprobe.Wait()
	}
}

// loadScheduler loads the module of a scheduler, if it is not there, once. Else the kernel
// does that while it holds IPVS's lock, which for some may hang it: see UnsafeScheduler.
func (k *Kernel) loadScheduler(name string) error {
	module := schedulerModule(name)
	if loaded(module) {
		return nil
	}
	if !k.tried[module] {
		k.tried[module] = true
		loadModule(module)
	}
	if perNamespace(name) && !loaded(module) && modular("ip_vs") {
		return UnsafeScheduler(name)
	}
	return nil
}

// UnsafeScheduler is a scheduler whose module is not there, and which the kernel is not asked
// to load. Its module wants to know of all network namespaces. It waits for those that are just
// being removed, and their removal waits for IPVS's lock, which the kernel holds while it loads
// the module. Seen with Linux 6.1; nothing but a reboot ends that.
type UnsafeScheduler string

func (s UnsafeScheduler) Error() string {
	return fmt.Sprintf("the scheduler %s is not loaded, and the kernel may hang if it has to load it by itself: %s", string(s), loadIt(schedulerModule(string(s))))
}

// perNamespace tells whether a scheduler keeps something for each network namespace.
func perNamespace(scheduler string) bool { return scheduler == "lblc" || scheduler == "lblcr" }

func schedulerModule(name string) string { return "ip_vs_" + name }

const sysModule = "/sys/module"

// loaded tells whether a module is there. One that is built in need not show.
func loaded(module string) bool {
	_, err := os.Stat(filepath.Join(sysModule, module))
	return err == nil
}

// modular tells whether a module that is there is not built in.
func modular(module string) bool {
	_, err := os.Stat(filepath.Join(sysModule, module, "initstate"))
	return err == nil
}

// schedulersHere are the schedulers that the kernel has, in the usual order; all is false
// where only those that are loaded can be known, as in the service's own view of the host.
func schedulersHere() (names []string, all bool) {
	onDisk, all := modulesOnDisk()
	for _, name := range ipvs.Schedulers() {
		if m := schedulerModule(name); loaded(m) || slices.Contains(onDisk, m) {
			names = append(names, name)
		}
	}
	return names, all
}

// modulesOnDisk are the modules of IPVS that the running kernel could load or has built in.
func modulesOnDisk() (names []string, known bool) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, false
	}
	dir := filepath.Join("/lib/modules", unix.ByteSliceToString(uts.Release[:]))
	for _, list := range []string{"modules.dep", "modules.builtin"} {
		f, err := os.Open(filepath.Join(dir, list))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			name, _, ok := strings.Cut(path.Base(strings.SplitN(lines.Text(), ":", 2)[0]), ".ko")
			if ok && strings.HasPrefix(name, "ip_vs_") {
				names, known = append(names, name), true
			}
		}
		f.Close()
	}
	return names, known
}
