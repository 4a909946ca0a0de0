package demo

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// ordinary is a user without privileges.
var ordinary = &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: false}

// show is a demo under way, in an empty folder of its own.
type show struct {
	t    *testing.T
	cmd  *exec.Cmd
	dir  string
	exit chan struct{} // closed when it has ended

	mu  sync.Mutex
	out bytes.Buffer
}

func begin(t *testing.T, as *syscall.Credential, argv ...string) *show {
	t.Helper()
	s := &show{t: t, dir: t.TempDir(), exit: make(chan struct{})}
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = "/", s, s
	s.cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + s.dir, "HOME=" + s.dir}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: unix.SIGKILL}
	if as != nil {
		if err := os.Chmod(s.dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exit)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.exit
	})
	return s
}

func (s *show) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *show) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// patience is far more than anything here takes.
const patience = 2 * time.Minute

// until waits for a text.
func (s *show) until(text string) {
	s.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.text(), text); time.Sleep(10 * time.Millisecond) {
		select {
		case <-s.exit:
			s.t.Fatalf("the demo ended before it said %q:\n%s", text, s.text())
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("the demo does not say %q:\n%s", text, s.text())
		}
	}
}

// end waits for the exit status; -1 is a death by signal.
func (s *show) end() int {
	s.t.Helper()
	select {
	case <-s.exit:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		s.t.Fatalf("the demo does not end:\n%s", s.text())
		return 0
	}
}

func (s *show) wants(code int, texts ...string) {
	s.t.Helper()
	got := s.end()
	if got != code {
		s.t.Errorf("exit status %d, want %d", got, code)
	}
	for _, text := range texts {
		if !strings.Contains(s.text(), text) {
			s.t.Errorf("it does not say %q", text)
		}
	}
	if s.t.Failed() {
		s.t.Logf("it said:\n%s", s.text())
	}
}

// userNamespaces tells by trying whether an ordinary user may have them.
func userNamespaces(t *testing.T) bool {
	t.Helper()
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-Urnm", "mount", "-t", "tmpfs", "tmpfs", "/tmp")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("ordinary users have no user namespaces here: %v: %s", err, out)
	}
	return err == nil
}

func TestDemoKeepsItsPromises(t *testing.T) {
	netlab.Need(t, "nginx")
	s := begin(t, nil, built, "demo")
	s.until("lb01: kill -9 nginx")
	left := spaces(t, s)
	s.wants(0,
		"with nginx", "restarted it, VIP stayed on lb01", `unknown directive "worker_prozesses"`, "gave up, VIP moved to lb02",
		"started it, VIP back to lb01", "its kernel let go, lb02 took it", "(paused)", "gave way, listened, VIP back to lb01",
		"(link-down)", "lb01 let the VIP go, lb02 took it", "(peer-released) [MASTER]", "released the VIP, lb02 took it",
		"two nodes answered ARP", "Read next")
	for line := range strings.Lines(s.text()) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > width {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	left.gone(t, s)
}

func TestDemoRunsForAnOrdinaryUser(t *testing.T) {
	netlab.Need(t, "setpriv", "unshare")
	s := begin(t, ordinary, built, "demo", "--built-in", "--only", "kill-proxy,break-proxy,stop-daemon")
	if !userNamespaces(t) {
		s.wants(77, "namespaces", "as root")
		return
	}
	s.until("lb01: kill -9 the web server")
	left := spaces(t, s)
	s.wants(0, "built-in web server", "restarted it, VIP stayed on lb01", `unknown directive "answwer"`, "VIP moved to lb02",
		"released the VIP, lb02 took it")
	left.gone(t, s)
}

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	netlab.Need(t)
	for _, tc := range []struct {
		name   string
		as     *syscall.Credential
		signal unix.Signal
		exit   int
	}{
		{"Ctrl-C", nil, unix.SIGINT, 130},
		{"kill", nil, unix.SIGTERM, 143},
		{"kill -9", nil, unix.SIGKILL, -1},
		{"Ctrl-C of an ordinary user", ordinary, unix.SIGINT, 130},
		{"kill -9 of an ordinary user", ordinary, unix.SIGKILL, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.as != nil && !userNamespaces(t) {
				return // TestDemoRunsForAnOrdinaryUser tells what happens then
			}
			s := begin(t, tc.as, built, "demo", "--only", "kill-daemon")
			s.until("lb01: kill -9 pairkeeper")
			left := spaces(t, s)
			at := time.Now()
			if err := s.cmd.Process.Signal(tc.signal); err != nil {
				t.Fatal(err)
			}
			s.wants(tc.exit)
			t.Logf("it ended in %s", time.Since(at))
			left.gone(t, s)
		})
	}
}

func TestBrokenPromiseFailsTheDemo(t *testing.T) {
	netlab.Need(t)
	s := begin(t, nil, built, "demo", "--only", "kill-daemon")
	s.until("lb01 took the VIP")
	left := spaces(t, s)
	for _, p := range left.members() {
		if strings.Contains(p.command, "--node lb02") {
			if err := unix.Kill(p.pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.wants(1, "not as promised", "lb02: pairkeeper has ended", "lb01 logged:", "lb02 logged:", "begins as lb02")
	left.gone(t, s)
}

func TestWithoutNamespacesTheDemoSaysWhatToDo(t *testing.T) {
	netlab.Need(t, "unshare")
	// A user namespace that may not have others, whose root has no capabilities.
	s := begin(t, nil, "unshare", "-U", "--map-root-user", "sh", "-c",
		`echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --reuid 0 --bounding-set=-all --inh-caps=-all "$0" demo`, built)
	s.wants(77, "the kernel refuses them", "--privileged")
}

func TestUnknownActIsRefused(t *testing.T) {
	s := begin(t, nil, built, "demo", "--only", "kill-cat")
	s.wants(64, "--only kill-cat: there is no such act", "cut-cable")
}
