// Package program runs the programs that a configuration names, as probes, hooks or fence
// agents: without a shell, with a clean environment, in a process group that ends with
// them, within a time, and only where nobody but root could have changed them.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/realtime"
	"github.com/pairkeeper/pairkeeper/internal/words"
)

// Program is what is run, and how.
type Program struct {
	Command []string // the first is an absolute path
	As      *User    // nil: the daemon's own
	Env     []string // besides what every program has
	Stdin   io.Reader
	Timeout time.Duration
	Grace   time.Duration // from SIGTERM to SIGKILL at the end of Timeout; 0: SIGKILL at once
	// Line is told what the program prints, line by line; then it is not ended for
	// printing too much. It must not block. nil: nobody wants it.
	Line func(string)
}

// Result is how a run ended.
type Result struct {
	Exited bool   // by itself, with Status
	Status int    // its exit status
	Text   string // the program and what happened: "/bin/false: exit 1", "…: not done within 5s, killed"
	Last   string // the last line that it printed
}

// OK tells that the program exited with status 0.
func (r Result) OK() bool { return r.Exited && r.Status == 0 }

// String is what happened and the last line.
func (r Result) String() string {
	if r.Last == "" {
		return r.Text
	}
	return r.Text + ": " + r.Last
}

// Check tells what makes a program unusable.
func (p *Program) Check() error {
	if len(p.Command) == 0 {
		return errors.New("there is no program")
	}
	return Executable(p.Command[0])
}

// Run runs the program. It is over when the program has ended; what that left running is
// ended then.
func (p *Program) Run(ctx context.Context) Result {
	if err := p.Check(); err != nil {
		return Result{Text: "not run: " + err.Error()}
	}
	out := &output{line: p.Line}
	state, err := p.run(ctx, out)
	r := Result{Last: out.last()}
	switch {
	case out.flooded():
		r.Text = fmt.Sprintf("printed more than %d KiB, killed", maxOutput>>10)
	case errors.Is(err, context.DeadlineExceeded):
		r.Text = "not done within " + p.Timeout.String() + ", killed"
	case errors.Is(err, context.Canceled):
		r.Text = "not finished, killed"
	case err != nil:
		r.Text = p.startFault(err)
	case state.Exited():
		r.Exited, r.Status, r.Text = true, state.ExitCode(), "exit "+strconv.Itoa(state.ExitCode())
	default:
		r.Text = "killed by " + unix.SignalName(signalOf(state))
	}
	r.Text = p.Command[0] + ": " + r.Text
	return r
}

func signalOf(s *os.ProcessState) syscall.Signal {
	ws, _ := s.Sys().(syscall.WaitStatus)
	return ws.Signal()
}

// startFault says why a program that is there did not start.
func (p *Program) startFault(err error) string {
	switch {
	case errors.Is(err, unix.EPERM) && p.As != nil:
		return "cannot be run as " + p.As.Name + ": not permitted: give CAP_SETUID and CAP_SETGID"
	case errors.Is(err, unix.ENOENT):
		return "its interpreter, in the line #!, does not exist"
	case errors.Is(err, unix.ENOEXEC):
		return "is not a program: a script has to begin with a line such as #!/bin/sh"
	}
	return words.Bare(err).Error()
}

// run returns how the program ended; the error tells that it did not start or was ended.
func (p *Program) run(ctx context.Context, out *output) (*os.ProcessState, error) {
	// The kernel ties Pdeathsig to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, stop := context.WithTimeout(ctx, p.Timeout)
	defer stop()
	ctx, flooded := context.WithCancelCause(ctx)
	defer out.close()
	out.full = func() { flooded(errFlooded) }
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cmd := p.command(out)
	if err := realtime.Start(cmd); err != nil {
		return nil, err
	}
	exited, ended := make(chan struct{}), make(chan struct{})
	unfinished := context.AfterFunc(ctx, func() {
		defer close(ended)
		endGroup(cmd.Process.Pid, p.graceOf(ctx), exited)
	})
	_ = cmd.Wait() // how it ended is in ProcessState
	close(exited)
	var err error
	if !unfinished() {
		<-ended
		err = ctx.Err()
	}
	_ = killGroup(cmd.Process.Pid)
	return cmd.ProcessState, err
}

// graceOf is for how long a program may go on that is to be ended.
func (p *Program) graceOf(ctx context.Context) time.Duration {
	if errors.Is(context.Cause(ctx), errFlooded) {
		return 0
	}
	return p.Grace
}

func (p *Program) command(out *output) *exec.Cmd {
	cmd := exec.Command(p.Command[0], p.Command[1:]...)
	cmd.Dir, cmd.Env = "/", slices.Concat(p.As.environment(), p.Env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	if p.As != nil && !p.As.isDaemon() {
		cmd.SysProcAttr.Credential = &p.As.credential
	}
	cmd.WaitDelay = lingering
	return cmd
}

// lingering is how long children of an ended program may keep its output open.
const lingering = 100 * time.Millisecond
