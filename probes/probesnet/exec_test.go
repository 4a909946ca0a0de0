package probesnet

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/probes"
)

// script writes a program of the shell.
func script(t *testing.T, text string) string {
	t.Helper()
	return writeProgram(t, "#!/bin/sh\n"+text+"\n")
}

func writeProgram(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "check")
	syscall.ForkLock.RLock() // else a child of another test may hold it open for writing: ETXTBSY
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func execute(t *testing.T, timeout time.Duration, command ...string) Result {
	t.Helper()
	return lookOnce(t, probes.Exec{Command: command}, timeout)
}

const long = 60 * time.Second

func TestTheExitStatusIsTheResult(t *testing.T) {
	for _, c := range []struct {
		name, text string
		ok         bool
		detail     string
	}{
		{"good", "exit 0", true, "exit 0"},
		{"bad", "exit 3", false, "exit 3"},
		{"bad with words", "echo first; echo 'no route' >&2; echo; exit 1", false, "exit 1: no route"},
		{"good with words", "printf 'all is well'", true, "exit 0: all is well"},
		{"killed", "kill -SEGV $$", false, "killed by SIGSEGV"},
		{"output closed", "exec >&- 2>&-; exit 0", true, "exit 0"},
		{"nothing to read", "read x || echo none", true, "exit 0: none"},
		{"in the root directory", "pwd", true, "exit 0: /"},
		{"odd bytes", `printf 'a\001b\033[31mc\377'`, true, "exit 0: a b [31mc?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := script(t, c.text)
			if r := execute(t, long, path); r.OK != c.ok || r.Detail != path+": "+c.detail {
				t.Fatalf("%+v, want %q", r, c.detail)
			}
		})
	}
}

func TestAProgramGetsItsArgumentsAndNoShell(t *testing.T) {
	path := script(t, `echo "$#:$1:$2"`)
	if r := execute(t, long, path, "$HOME; exit 1", "two words"); !r.OK || !strings.HasSuffix(r.Detail, ": 2:$HOME; exit 1:two words") {
		t.Fatalf("%+v", r)
	}
}

func TestAProgramsEnvironmentIsClean(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/notify")
	t.Setenv("SECRET", "1")
	path := script(t, `env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort | tr '\n' ' '`)
	if r := execute(t, long, path); !strings.HasSuffix(r.Detail, ": LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") {
		t.Fatalf("%+v", r)
	}
}

// pidIn waits for a script to write a process number.
func pidIn(t *testing.T, file string) int {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		data, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil && strings.HasSuffix(string(data), "\n") {
			return pid
		}
	}
	t.Fatalf("%s has no process", file)
	return 0
}

// isGone waits until a process is no more, or only a zombie of somebody else.
func isGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Fatalf("process %d is still there", pid)
}

func TestAProgramThatHangsIsKilledWithItsChildren(t *testing.T) {
	for name, text := range map[string]string{
		"sleeps":             "sleep 1000 & echo $! >%s; echo began; wait",
		"ignores signals":    "trap '' TERM INT HUP; sleep 1000 & echo $! >%s; echo began; while :; do wait; done",
		"stops itself":       "sleep 1000 & echo $! >%s; echo began; kill -STOP $$",
		"has stopped childs": "sleep 1000 & kill -STOP $!; echo $! >%s; echo began; wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pid")
			path := script(t, fmt.Sprintf(text, file))
			r := execute(t, 3*time.Second, path)
			if r.OK || r.Answered || r.Detail != path+": not done within 3s, killed: began" {
				t.Fatalf("%+v", r)
			}
			isGone(t, pidIn(t, file))
		})
	}
}

// A program that ends well, while a child of it keeps the output open.
func TestWhatAProgramLeavesRunningIsEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	path := script(t, fmt.Sprintf("sleep 1000 & echo $! >%s; exit 0", file))
	if r := execute(t, long, path); !r.OK || r.Took > 30*time.Second {
		t.Fatalf("%+v", r)
	}
	isGone(t, pidIn(t, file))
}

func TestAProgramThatForksWithoutEndIsEnded(t *testing.T) {
	dir := t.TempDir()
	path := script(t, fmt.Sprintf("i=0; while [ $i -lt 50 ]; do i=$((i+1)); sleep 1000 & echo $! >%s/$i; done; wait", dir))
	if r := execute(t, 5*time.Second, path); r.OK {
		t.Fatalf("%+v", r)
	}
	for i := 1; i <= 50; i++ {
		file := filepath.Join(dir, strconv.Itoa(i))
		if _, err := os.Stat(file); err != nil {
			break // it did not come that far
		}
		isGone(t, pidIn(t, file))
	}
}

func TestAProgramThatPrintsWithoutEndIsKilled(t *testing.T) {
	path := script(t, "while :; do echo 0123456789012345678901234567890123456789; done")
	r := execute(t, long, path)
	if want := path + ": printed more than 256 KiB, killed: "; r.OK || !strings.HasPrefix(r.Detail, want) {
		t.Fatalf("%+v, want %q", r, want)
	}
}

func TestAProgramRunsAsItsUser(t *testing.T) {
	netlab.Need(t) // root
	path := script(t, `echo "$(id -un) $(id -gn) $(id -Gn) $HOME $USER"`)
	makeReachable(t, path)
	r := lookOnce(t, probes.Exec{Command: []string{path}, User: "nobody"}, long)
	if !r.OK || !strings.Contains(r.Detail, ": nobody nogroup nogroup /nonexistent nobody") {
		t.Fatalf("%+v", r)
	}
}

// makeReachable lets other users into the test's directories.
func makeReachable(t *testing.T, path string) {
	t.Helper()
	for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyRootCanChangeWhatIsRun(t *testing.T) {
	netlab.Need(t) // root
	const nobody = 65534
	chmod := func(mode os.FileMode) func(string) error {
		return func(p string) error { return os.Chmod(p, mode) }
	}
	chown := func(uid, gid int) func(string) error {
		return func(p string) error { return os.Lchown(p, uid, gid) }
	}
	both := func(f, g func(string) error) func(string) error {
		return func(p string) error {
			if err := f(p); err != nil {
				return err
			}
			return g(p)
		}
	}
	for _, c := range []struct {
		name string
		dir  bool // the change is of the directory
		do   func(string) error
		want string // empty: it may be run
	}{
		{"as it should be", false, chmod(0o755), ""},
		{"only root's", false, chmod(0o700), ""},
		{"written by root's group", false, chmod(0o775), ""},
		{"written by everybody", false, chmod(0o777), "%s can be written by everybody: chmod o-w %[1]s"},
		{"written by a group", false, both(chown(0, nobody), chmod(0o775)), "%s can be written by group 65534: chmod g-w %[1]s"},
		{"of another user", false, chown(nobody, 0), "%s belongs to user 65534: it has to be root's or the daemon's: chown root %[1]s"},
		{"missing", false, os.Remove, "%s does not exist"},
		{"in a directory of another user", true, chown(nobody, 0), "%s belongs to user 65534: it has to be root's or the daemon's: chown root %[1]s"},
		{"in a directory written by everybody", true, chmod(0o777), "%s can be written by everybody: chmod o-w %[1]s"},
		{"in a directory like /tmp", true, chmod(0o777 | os.ModeSticky), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := script(t, "exit 0")
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			at := path
			if c.dir {
				at = filepath.Dir(path)
			}
			if err := c.do(at); err != nil {
				t.Fatal(err)
			}
			if c.want != "" {
				c.want = fmt.Sprintf(c.want, at)
			}
			for _, p := range []string{path, link} {
				err := Usable(probes.Config{Check: probes.Exec{Command: []string{p}}})
				r := lookHere(t, probes.Exec{Command: []string{p}}, long)
				switch {
				case c.want == "" && (err != nil || !r.OK):
					t.Errorf("%v, %+v", err, r)
				case c.want != "" && (err == nil || err.Error() != c.want || r.OK):
					t.Errorf("%v, %+v, want %s", err, r, c.want)
				}
			}
		})
	}
}

// It was good when the file was read, and is not any more.
func TestAProgramIsLookedAtBeforeEveryRun(t *testing.T) {
	path := script(t, "exit 0")
	k := newKit()
	l := k.looker(probes.Config{Check: probes.Exec{Command: []string{path}}, Timeout: long})
	if r := l.look(t.Context()); !r.OK {
		t.Fatalf("%+v", r)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if r := l.look(t.Context()); r.OK || r.Detail != "not run: "+path+" can be written by everybody: chmod o-w "+path {
		t.Fatalf("%+v", r)
	}
}

func TestWhatIsNoProgramIsSaid(t *testing.T) {
	garbage, nowhere, data := writeProgram(t, "exit 0\n"), writeProgram(t, "#!/no/such/shell\n"), script(t, "exit 0")
	if err := os.Chmod(data, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		garbage: garbage + ": is not a program: a script has to begin with a line such as #!/bin/sh",
		nowhere: nowhere + ": its interpreter, in the line #!, does not exist",
	} {
		if r := execute(t, long, path); r.OK || r.Detail != want {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	for _, c := range []struct {
		check probes.Exec
		want  string
	}{
		{probes.Exec{Command: []string{"check"}}, "check is not an absolute path"},
		{probes.Exec{Command: []string{data}}, data + " is not executable: chmod a+x " + data},
		{probes.Exec{Command: []string{"/usr"}}, "/usr is not a program"},
		{probes.Exec{Command: []string{"/bin/true"}, User: "nobody-at-all"}, "there is no user nobody-at-all"},
		{probes.Exec{}, "there is no program"},
	} {
		if err := Usable(probes.Config{Check: c.check}); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestABreakInTheMiddleOfAProgramLeavesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	path := script(t, fmt.Sprintf("echo $$ >%s; sleep 1000", file))
	r := Run(t.Context(), []probes.Config{{Check: probes.Exec{Command: []string{path}}, Interval: time.Hour, Timeout: time.Hour}}, func(int, Result) {})
	pid := pidIn(t, file)
	r.Close()
	if err := unix.Kill(-pid, 0); err == nil {
		isGone(t, pid)
	}
}
