package probesnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/realtime"
	"github.com/pairkeeper/pairkeeper/probes"
)

// execProbe runs a program, in a process group of its own that ends with the look.
type execProbe struct {
	cfg     probes.Exec
	timeout time.Duration
	as      *identity // nil: the daemon's own
}

// identity is whom a program runs as.
type identity struct {
	credential syscall.Credential
	name, home string
}

func newExecProbe(c probes.Exec, timeout time.Duration) (*execProbe, error) {
	p := &execProbe{cfg: c, timeout: timeout}
	if len(c.Command) == 0 {
		return nil, errors.New("there is no program")
	}
	if c.User != "" {
		var err error
		if p.as, err = lookUp(c.User); err != nil {
			return nil, err
		}
	}
	return p, executable(c.Command[0])
}

// lookUp finds a user and the groups that it is in.
func lookUp(name string) (*identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %s", name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	as := &identity{name: name, home: u.HomeDir, credential: syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("the groups of user %s: %w", name, err)
	}
	for _, g := range groups {
		id, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("the groups of user %s: %w", name, err)
		}
		as.credential.Groups = append(as.credential.Groups, uint32(id))
	}
	return as, nil
}

// environment is all that a program is given.
func (p *execProbe) environment() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	if p.as != nil {
		env = append(env, "HOME="+p.as.home, "USER="+p.as.name, "LOGNAME="+p.as.name)
	}
	return env
}

// look runs the program. It is over when the program has ended; what the program left
// running is ended then.
func (p *execProbe) look(ctx context.Context) Result {
	if err := executable(p.cfg.Command[0]); err != nil {
		return Result{Detail: "not run: " + err.Error()}
	}
	out := &output{}
	err := p.run(ctx, out)
	r := Result{OK: err == nil, Answered: err == nil, Detail: "exit 0"}
	if e, ok := errors.AsType[*exec.ExitError](err); ok && !out.flooded() && ctx.Err() == nil {
		r.Answered, r.Detail = e.Exited(), ended(e.ProcessState)
	} else if err != nil {
		r.Detail = p.complaint(ctx, err, out)
	}
	r.Detail = p.cfg.Command[0] + ": " + r.Detail
	if line := out.last(); line != "" {
		r.Detail += ": " + line
	}
	return r
}

// complaint says why there is no exit status.
func (p *execProbe) complaint(ctx context.Context, err error, out *output) string {
	switch {
	case out.flooded():
		return fmt.Sprintf("printed more than %d KiB, killed", maxOutput>>10)
	case ctx.Err() != nil:
		return "not done within " + p.timeout.String() + ", killed"
	case errors.Is(err, unix.EPERM) && p.as != nil:
		return "cannot be run as " + p.as.name + ": not permitted: give CAP_SETUID and CAP_SETGID"
	}
	return startFault(err)
}

// startFault says why a program that is there did not start.
func startFault(err error) string {
	switch {
	case errors.Is(err, unix.ENOENT):
		return "its interpreter, in the line #!, does not exist"
	case errors.Is(err, unix.ENOEXEC):
		return "is not a program: a script has to begin with a line such as #!/bin/sh"
	}
	return bare(err).Error()
}

func (p *execProbe) run(ctx context.Context, out *output) error {
	// The kernel ties Pdeathsig to the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out.full = cancel
	cmd := exec.CommandContext(ctx, p.cfg.Command[0], p.cfg.Command[1:]...)
	cmd.Dir, cmd.Env = "/", p.environment()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	if p.as != nil {
		cmd.SysProcAttr.Credential = &p.as.credential
	}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = lingering
	if err := realtime.Start(cmd); err != nil {
		return err
	}
	err := cmd.Wait()
	_ = killGroup(cmd.Process.Pid)
	reapGroup(cmd.Process.Pid)
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well, and a child has its output open
		return nil
	}
	return err
}

// lingering is how long children of an ended program may keep its output open.
const lingering = 100 * time.Millisecond

// killGroup ends a process and its children, but for those that left its group.
func killGroup(pid int) error { return unix.Kill(-pid, unix.SIGKILL) }

// reapGroup takes away children that were left to us, as PID 1 of a container.
func reapGroup(pid int) {
	if os.Getpid() != 1 {
		return
	}
	for range 20 {
		for {
			if got, err := unix.Wait4(-pid, nil, unix.WNOHANG, nil); err != nil || got <= 0 {
				break
			}
		}
		if errors.Is(unix.Kill(-pid, 0), unix.ESRCH) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ended says how a program ended: "exit 1", "SIGSEGV".
func ended(s *os.ProcessState) string {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return "killed by " + unix.SignalName(ws.Signal())
	}
	return "exit " + strconv.Itoa(s.ExitCode())
}

// executable tells why a program must not be run: somebody else could change it.
func executable(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s is not an absolute path", path)
	}
	info, err := walk(path, maxLinks)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a program", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod a+x %s", path, path)
	}
	return nil
}

// maxLinks is the kernel's limit of symbolic links in a path.
const maxLinks = 40

// walk goes down an absolute path, and every symbolic link on it, as long as nobody but
// root and the daemon's user can change where it leads.
func walk(path string, links int) (os.FileInfo, error) {
	at := "/"
	info, err := trusted(at)
	for _, name := range strings.Split(path, "/") {
		if err != nil {
			return nil, err
		}
		at = filepath.Join(at, name)
		if info, err = trusted(at); err != nil || info.Mode()&os.ModeSymlink == 0 {
			continue
		}
		if links == 0 {
			return nil, fmt.Errorf("%s: too many symbolic links", path)
		}
		var to string
		if to, err = os.Readlink(at); err != nil {
			return nil, fmt.Errorf("%s: %w", at, bare(err))
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(at) + "/" + to // not cleaned: .. counts from where a link leads
		}
		links--
		if info, err = walk(to, links); err == nil {
			at, err = filepath.EvalSymlinks(at)
		}
	}
	return info, err
}

// trusted looks at one part of a path: nobody but root and the daemon's user may own or
// write it. In a directory like /tmp others may write, but not replace what is not theirs.
func trusted(path string) (os.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, bare(err))
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: its owner is not known", path)
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to user %d: it has to be root's or the daemon's: chown root %s", path, st.Uid, path)
	}
	if info.Mode()&os.ModeSymlink != 0 || info.IsDir() && info.Mode()&os.ModeSticky != 0 {
		return info, nil
	}
	switch perm := info.Mode().Perm(); {
	case perm&0o002 != 0:
		return nil, fmt.Errorf("%s can be written by everybody: chmod o-w %s", path, path)
	case perm&0o020 != 0 && st.Gid != 0 && int(st.Gid) != os.Getegid():
		return nil, fmt.Errorf("%s can be written by group %d: chmod g-w %s", path, st.Gid, path)
	}
	return info, nil
}
