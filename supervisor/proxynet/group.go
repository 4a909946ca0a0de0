package proxynet

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/realtime"
)

const sigkill = unix.SIGKILL

// maxLine is where a longer line of output is cut in the log.
const maxLine = 2048

// process is a child in a process group of its own.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the child itself has ended
	output *os.File      // the pipe's end that is read
	read   chan struct{} // closed when the output has been read
	out    tail
}

// spawn starts a child whose output goes to the log line by line. The calling
// goroutine must keep its thread for as long as the child shall live.
func spawn(argv []string, log *slog.Logger) (*process, error) {
	if len(argv) == 0 {
		return nil, errors.New("there is no command")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), exited: make(chan struct{}), output: r, read: make(chan struct{})}
	p.cmd.Env = environment()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	// SIGTERM lets a master take its workers along.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGTERM}
	if err := realtime.Start(p.cmd); err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("%s: %w", strings.Join(argv, " "), bare(err))
	}
	go p.copyOutput(log)
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// missing tells that there is no such program.
func missing(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}

// bare is the error without what the caller says already.
func bare(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// signal reaches every process of the group.
func (p *process) signal(sig syscall.Signal) { _ = unix.Kill(-p.pid(), sig) }

// end ends the group and returns when it is gone: SIGTERM with some patience for the
// child itself, SIGKILL for everything that is left.
func (p *process) end(patience time.Duration) {
	if patience > 0 {
		p.signal(unix.SIGTERM)
		timer := time.NewTimer(patience)
		select {
		case <-p.exited:
		case <-timer.C:
		}
		timer.Stop()
	}
	p.signal(sigkill)
	<-p.exited
	p.awaitGroup()
	select {
	case <-p.read:
	case <-time.After(time.Second): // a descendant that left the group keeps the pipe open
	}
	_ = p.output.Close()
	<-p.read
}

// awaitGroup waits until the killed descendants are gone, as they may still hold the
// proxy's sockets. Whoever is PID 1 reaps them.
func (p *process) awaitGroup() {
	for range 200 {
		if errors.Is(unix.Kill(-p.pid(), 0), unix.ESRCH) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *process) copyOutput(log *slog.Logger) {
	defer close(p.read)
	r := bufio.NewReaderSize(p.output, maxLine)
	for {
		line, more, err := r.ReadLine()
		if err != nil {
			return
		}
		_, _ = p.out.Write(line)
		if !more {
			_, _ = p.out.Write([]byte("\n"))
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			log.Info(text, "source", "proxy", "pid", p.pid())
		}
	}
}
