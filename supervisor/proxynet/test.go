package proxynet

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/realtime"
)

// RunTest runs the proxy's own test of its configuration, for instance nginx -t. It
// uses no shell; the test and its children end with the timeout. The error carries how
// the test ended and the last lines that it printed.
func RunTest(ctx context.Context, argv []string, timeout time.Duration) error {
	if len(argv) == 0 {
		return errors.New("the test has no command")
	}
	what := strings.Join(argv, " ")
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	// The kernel ties Pdeathsig to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var out tail
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second // for children that keep the output open
	err := realtime.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		err = nil
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errTimeout):
		return fmt.Errorf("%s: not done within %s, killed%s", what, timeout, out.suffix())
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		said := out.suffix()
		return fmt.Errorf("%s: %s%s%s", what, exitOf(e.ProcessState), said, hint(said, ""))
	}
	return fmt.Errorf("%s: %w", what, bare(err))
}

var errTimeout = errors.New("timeout")
