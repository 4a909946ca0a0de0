//go:build linux

package vmlab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestAMissingProgramIsNamedWithItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	old := tools
	t.Cleanup(func() { tools = old })
	tools = tools[:0:0]
	tools = append(tools, old[0], old[0])
	tools[0].program, tools[1].program, tools[1].pkg = "no-qemu", "no-busybox", "busybox-static"
	want := "needs no-qemu, no-busybox for the virtual machine (apt-get install qemu-system-x86 busybox-static)"
	if got := lack(Payload{}); got != want {
		t.Errorf("%q", got)
	}
	tools = nil
	if got := lack(Payload{Programs: []string{"no-such-program"}}); !strings.Contains(got, "needs the program no-such-program") {
		t.Errorf("%q", got)
	}
}

// outcome is a netlab.T that keeps how the test ended.
type outcome struct {
	netlab.T
	text string
}

func (o *outcome) Helper()                   {}
func (o *outcome) Skipf(f string, a ...any)  { o.end("skip: "+f, a) }
func (o *outcome) Fatalf(f string, a ...any) { o.end("fail: "+f, a) }
func (o *outcome) end(f string, a []any) {
	o.text = fmt.Sprintf(f, a...)
	panic(o)
}

func TestWhatIsMissingSkipsAndInCIFails(t *testing.T) {
	old := impossible
	t.Cleanup(func() { impossible = old })
	for _, c := range []struct{ missing, noSkip, want string }{
		{"needs qemu", "", "skip: needs qemu"},
		{"needs qemu", "1", "fail: needs qemu, and PAIRKEEPER_NO_SKIP=1 forbids to skip"},
		{"", "", "fail: vmlab: not inside the virtual machine: call vmlab.Main first, as TestMain does"},
	} {
		impossible = c.missing
		t.Setenv(netlab.NoSkip, c.noSkip)
		o := &outcome{}
		func() {
			defer func() { _ = recover() }()
			Need(o)
		}()
		if o.text != c.want {
			t.Errorf("%+v: %q", c, o.text)
		}
	}
}

func TestModulesBringWhatTheyDependOn(t *testing.T) {
	dir := t.TempDir()
	index := "kernel/net/ip_vs.ko.xz: kernel/net/nf_conntrack.ko.xz kernel/lib/libhelper.ko.xz\n" +
		"kernel/net/ip_vs_rr.ko.xz: kernel/net/ip_vs.ko.xz\n" +
		"kernel/net/sch-netem.ko.xz:\nkernel/net/fou.ko.xz:\nkernel/net/ip_gre.ko.xz:\nkernel/net/ipip.ko.xz:\n" +
		"kernel/net/dummy.ko.xz:\nkernel/net/veth.ko.xz:\nkernel/net/nf_conntrack.ko.xz:\n" +
		"kernel/sound/soundcore.ko.xz:\nkernel/lib/libhelper.ko.xz:\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("modules.dep", index)
	write("modules.builtin", "kernel/net/bridge.ko\nkernel/net/macvlan.ko\nkernel/net/tun.ko\nkernel/net/nf_tables.ko\n")
	files, err := moduleFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(files, "kernel/lib/libhelper.ko.xz") || !slices.Contains(files, "kernel/net/sch-netem.ko.xz") || slices.Contains(files, "kernel/sound/soundcore.ko.xz") {
		t.Errorf("modules: %v", files)
	}
	write("modules.dep", strings.Replace(index, "kernel/net/dummy.ko.xz:\n", "", 1))
	if _, err := moduleFiles(dir); err == nil || !strings.Contains(err.Error(), "no module dummy") {
		t.Errorf("a kernel without dummy: %v", err)
	}
}
