//go:build linux

package vmlab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// silenceVar is the environment variable that sets another limit than silence; for this
// package's own tests.
const silenceVar = "PAIRKEEPER_VMLAB_SILENCE"

// silence is for how long the machine may say nothing before it counts as hung: its
// kernel tells of its start, and then the first process speaks every few seconds (alive).
const silence = 3 * time.Minute

// memory is the machine's, in MiB; the host gives it as it is used.
const memory = "1024"

// The descriptors that qemu gets besides the standard ones.
const (
	consoleFile = "/dev/fd/3"
	initrdFile  = "/dev/fd/4"
)

// kernelArgs: a kernel that ends when something is wrong with it, and does not do what
// is of no use in a machine that lives for seconds. The last one is the first process's
// environment.
const kernelArgs = "console=ttyS0 panic=-1 oops=panic nowatchdog nokaslr mitigations=off audit=0 no_timer_check " +
	"rdinit=" + testBinary + " " + stageVar + "=" + stageInit

// qemuArgs: a machine with two serial lines, the console and that of the tests, and
// nothing else.
func qemuArgs(base string, shell bool) []string {
	signals := "on"
	if shell {
		signals = "off" // Ctrl-C is for the shell
	}
	return []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",
		"-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", memory,
		"-kernel", filepath.Join(base, "vmlinux"), "-initrd", initrdFile, "-append", kernelArgs,
		"-serial", "file:" + consoleFile,
		"-chardev", "stdio,id=tests,signal=" + signals, "-serial", "chardev:tests",
		"-device", fmt.Sprintf("isa-debug-exit,iobase=%#x,iosize=4", debugExit),
	}
}

// boot runs a machine to its end. What the tests print goes to our standard output as it
// comes.
func boot(base string, initrd *os.File, shell bool) (code int, err error) {
	path, err := find("qemu-system-x86_64")
	if err != nil {
		return 1, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 1, err
	}
	defer r.Close()
	cmd := exec.Command(path, qemuArgs(base, shell)...)
	cmd.ExtraFiles = []*os.File{w, initrd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	wd := newWatchdog()
	cmd.Stdout, cmd.Stderr = wd.through(os.Stdout), wd.keep()
	if shell {
		cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	}
	// The kernel ties the death signal to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	w.Close()
	if err != nil {
		return 1, err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(wd.keep(), r)
	}()
	hung := wd.guard(cmd.Process)
	err = cmd.Wait()
	<-read
	if code, ok := verdict(err); ok {
		return code, nil
	}
	return 1, errors.New(wd.obituary(hung(), err))
}

// exitBias is added to the tests' exit code, so that no end of qemu's own is taken for
// one.
const exitBias = 16

// verdict is the exit code of the tests by that of qemu, which isa-debug-exit makes of
// the byte that was written: twice that and one.
func verdict(err error) (code int, ok bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	status := exit.ExitCode()
	if status&1 == 0 || status>>1 < exitBias {
		return 0, false
	}
	return status>>1 - exitBias, true
}

// obituary says how a machine ended that told no result.
func (w *watchdog) obituary(hung bool, err error) string {
	tail := w.tail()
	how := fmt.Sprintf("the virtual machine ended without a result (qemu: %v)", err)
	switch {
	case hung:
		how = fmt.Sprintf("the virtual machine hung: not a word for %v, or no end %v after the tests' time-out", w.limit, grace)
	case strings.Contains(tail, "Kernel panic"):
		how = "the kernel of the virtual machine panicked"
	}
	if tail == "" {
		return how + "; its console is empty"
	}
	return how + "; the end of its console:\n" + tail
}
