package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// asEngine has this test's binary, in new namespaces, do what a container engine does
// before the container's program. Its value is a spec.
const asEngine = "PAIRKEEPER_TEST_AS_ENGINE"

// spec is a container.
type spec struct {
	Program      string            // is put where the image has pairkeeper
	Argv         []string          // ENTRYPOINT and CMD
	Volumes      map[string]volume // by where they are mounted
	Tmpfs        []string
	ReadOnly     bool
	Capabilities []string // as compose.yaml has them: NET_ADMIN
}

type volume struct {
	From     string // a folder
	ReadOnly bool
}

// enter makes the container around this process and runs its program as PID 1.
func (s *spec) enter() error {
	if err := s.mount(); err != nil {
		return err
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return err
	}
	bounding := "-all"
	for _, c := range s.Capabilities {
		bounding += ",+" + strings.ToLower(c)
	}
	argv := append([]string{"setpriv", "--no-new-privs", "--inh-caps", "-all", "--bounding-set", bounding}, s.Argv...)
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return fmt.Errorf("setpriv: %w", unix.Exec(setpriv, argv, env))
}

func (s *spec) mount() error {
	const bind = unix.MS_BIND | unix.MS_REC
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	sources, err := s.sources() // a tmpfs may hide where they are
	if err != nil {
		return err
	}
	image := filepath.Dir(s.Argv[0])
	for _, dir := range append([]string{image}, s.Tmpfs...) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("a tmpfs on %s: %w", dir, err)
		}
	}
	for to, from := range sources {
		if err := errors.Join(room(to, to == s.Argv[0]), unix.Mount(from, to, "", bind, "")); err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
		if s.Volumes[to].ReadOnly {
			if err := readOnly(to); err != nil {
				return err
			}
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	if err := errors.Join(unix.Mount("/proc/sys", "/proc/sys", "", bind, ""), readOnly("/proc/sys")); err != nil {
		return err
	}
	if s.ReadOnly {
		return errors.Join(readOnly(image), readOnly("/"))
	}
	return nil
}

// sources opens what is mounted, by where.
func (s *spec) sources() (map[string]string, error) {
	all := map[string]string{}
	open := func(to, from string) error {
		fd, err := unix.Open(from, unix.O_PATH|unix.O_CLOEXEC, 0)
		all[to] = fmt.Sprintf("/proc/self/fd/%d", fd)
		return err
	}
	err := open(s.Argv[0], s.Program)
	for to, v := range s.Volumes {
		err = errors.Join(err, open(to, v.From))
	}
	return all, err
}

// room makes what something is mounted on, if it is not there.
func room(path string, file bool) error {
	if file {
		return os.WriteFile(path, nil, 0o755)
	}
	return os.MkdirAll(path, 0o755)
}

func readOnly(path string) error {
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("%s read-only: %w", path, err)
	}
	return nil
}

// command is the container, for a thread that is in its network namespace.
func (s *spec) command() (*exec.Cmd, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{asEngine + "=" + string(text), "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC}
	return cmd, nil
}
