package fencingnet

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// fake writes a fence agent: it keeps what it reads in a file beside it, then runs text.
// $action is what it is asked for.
func fake(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fence_fake")
	write(t, path, 0o755, "#!/bin/sh\ncat > "+path+".got\naction=$(sed -n 's/^action=//p' "+path+".got)\necho $action >> "+path+".log\n"+text+"\n")
	return path
}

func write(t *testing.T, path string, mode os.FileMode, text string) {
	t.Helper()
	syscall.ForkLock.RLock() // else a child of another test may hold it open for writing: ETXTBSY
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func armory(agents ...fencing.Agent) *Armory {
	return &Armory{Node: "lb01", Peer: "lb02", Agents: agents, Timeout: 30 * time.Second}
}

func option(name, value string) fencing.Option { return fencing.Option{Name: name, Value: value} }

func TestAnAgentIsToldOnItsStandardInput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/options", 0o600, "# of the rack\n\nip=10.0.0.1\nlogin=old\n")
	write(t, dir+"/password", 0o640, "secret=x y\n")
	path := fake(t, "exit 0")
	by, err := armory(fencing.Agent{
		Program: path, Options: []fencing.Option{option("login", "root"), option("plug", "vm 7")},
		OptionsFile: dir + "/options", PasswordFile: dir + "/password",
	}).Shoot(t.Context(), "reboot")
	if err != nil || by != path {
		t.Fatalf("%q, %v", by, err)
	}
	want := "action=reboot\nnodename=lb02\nip=10.0.0.1\nlogin=old\nlogin=root\nplug=vm 7\npassword=secret=x y\n"
	if got := read(t, path+".got"); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestACommandIsToldByItsEnvironment(t *testing.T) {
	path := fake(t, "")
	write(t, path, 0o755, "#!/bin/sh\necho \"$1 $PAIRKEEPER_ACTION $PAIRKEEPER_PEER for $PAIRKEEPER_NODE\" > "+path+".got\n")
	if by, err := armory(fencing.Agent{Command: []string{path, "now"}}).Shoot(t.Context(), "off"); err != nil || by != path {
		t.Fatalf("%q, %v", by, err)
	}
	if got := read(t, path+".got"); got != "now off lb02 for lb01\n" {
		t.Errorf("got %q", got)
	}
}

// Anything but exit status 0 leaves it open whether the host is off.
func TestOnlyExitStatusZeroIsProof(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"it fails":            {"echo connecting; echo 'Unable to connect/login to fencing device' >&2; exit 1", ": exit 1: Unable to connect/login to fencing device"},
		"as if it were off":   {"echo 'Status: OFF'; exit 2", ": exit 2: Status: OFF"},
		"it is killed":        {"kill -9 $$", ": killed by SIGKILL"},
		"it hangs":            {"echo waiting; sleep 1000", ": not done within 1s, killed: waiting"},
		"it hangs and forks":  {"sleep 1000 & echo forked; wait", ": not done within 1s, killed: forked"},
		"it ends well, late":  {"trap 'exit 0' TERM; while :; do :; done", ": not done within 1s, killed"},
		"it floods and fails": {"yes | head -c 1000000; echo 'no such plug'; exit 1", ": exit 1: no such plug"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fake(t, c.text)
			a := armory(fencing.Agent{Program: path})
			if strings.Contains(c.want, "1s") {
				a.Timeout = time.Second
			}
			by, err := a.Shoot(t.Context(), "off")
			if by != "" || err == nil || err.Error() != path+c.want {
				t.Errorf("%q, %v, want %s", by, err, path+c.want)
			}
		})
	}
}

func TestAnAgentThatFloodsIsNotEnded(t *testing.T) {
	if _, err := armory(fencing.Agent{Program: fake(t, "yes | head -c 1000000; exit 0")}).Shoot(t.Context(), "off"); err != nil {
		t.Error(err)
	}
}

func TestWhatAnAgentLeavesRunningIsEnded(t *testing.T) {
	path := fake(t, "sleep 1000 & echo $! > $0.pid; exit 0")
	if _, err := armory(fencing.Agent{Program: path}).Shoot(t.Context(), "off"); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, path+".pid")))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			break
		}
		if time.Now().After(end) {
			_ = unix.Kill(pid, unix.SIGKILL)
			t.Fatal("a child of the agent goes on")
		}
	}
}

func TestTheNextLevelIsTriedWhenOneFails(t *testing.T) {
	first, second, third := fake(t, "exit 1"), fake(t, "exit 0"), fake(t, "exit 0")
	a := armory(fencing.Agent{Program: first}, fencing.Agent{Program: second}, fencing.Agent{Program: third})
	if by, err := a.Shoot(t.Context(), "reboot"); err != nil || by != second {
		t.Errorf("%q, %v", by, err)
	}
	if read(t, first+".log") != "reboot\n" {
		t.Error("the first one was left out")
	}
	if _, err := os.Stat(third + ".log"); err == nil {
		t.Error("the third one was used")
	}
	write(t, second, 0o755, "#!/bin/sh\nexit 1\n")
	write(t, third, 0o755, "#!/bin/sh\nexit 1\n")
	if _, err := a.Shoot(t.Context(), "reboot"); err == nil || err.Error() != first+": exit 1; then "+second+": exit 1; then "+third+": exit 1" {
		t.Error(err)
	}
}

func TestWhatCannotBeRunFails(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/open", 0o644, "secret\n")
	write(t, dir+"/empty", 0o600, "\n")
	write(t, dir+"/two", 0o600, "a\nb\n")
	write(t, dir+"/odd", 0o600, "ip=10.0.0.1\nplug 7\n")
	write(t, dir+"/action", 0o600, "action=on\n")
	good, anybody := fake(t, "exit 0"), fake(t, "exit 0")
	if err := os.Chmod(anybody, 0o777); err != nil {
		t.Fatal(err)
	}
	for want, agent := range map[string]fencing.Agent{
		dir + "/none does not exist":                                                                     {Program: dir + "/none"},
		anybody + " can be written by everybody: chmod o-w " + anybody:                                   {Program: anybody},
		dir + "/open can be read by anybody (mode 0644): chmod 0640 " + dir + "/open":                    {Program: good, PasswordFile: dir + "/open"},
		dir + "/gone: does not exist":                                                                    {Program: good, OptionsFile: dir + "/gone"},
		dir + "/empty is empty: write the password":                                                      {Program: good, PasswordFile: dir + "/empty"},
		dir + "/two has more than one line: write the password alone, or use options_file: in its place": {Program: good, PasswordFile: dir + "/two"},
		dir + "/odd:2: is not name=value":                                                                {Program: good, OptionsFile: dir + "/odd"},
		dir + "/action:1: action is set for every shot":                                                  {Program: good, OptionsFile: dir + "/action"},
		dir + " is not a file":                                                                           {Program: good, PasswordFile: dir},
	} {
		if err := Usable(&agent); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if by, err := armory(agent).Shoot(t.Context(), "off"); by != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q, %v, want %s", by, err, want)
		}
	}
	if _, err := os.Stat(good + ".got"); err == nil {
		t.Error("it was run all the same")
	}
	if _, err := armory().Shoot(t.Context(), "off"); err == nil {
		t.Error("no agent is enough")
	}
}

func TestTryingAnAgentSwitchesNothing(t *testing.T) {
	works, broken := fake(t, "exit 0"), fake(t, "echo 'no route to host'; exit 1")
	knows, off := fake(t, "[ $action = status ]"), fake(t, "exit 2")
	hook := fake(t, "exit 1")
	for _, c := range []struct {
		agent            fencing.Agent
		problem, actions string
	}{
		{fencing.Agent{Program: works}, "", "monitor\n"},
		{fencing.Agent{Program: broken}, broken + ": exit 1: no route to host", "monitor\nstatus\n"},
		{fencing.Agent{Program: knows}, "", "monitor\nstatus\n"},
		{fencing.Agent{Program: off}, off + ": exit 2", "monitor\nstatus\n"},
		{fencing.Agent{Command: []string{hook}}, "", ""},
	} {
		if p := armory(c.agent).Problem(t.Context()); p != c.problem {
			t.Errorf("%q, want %q", p, c.problem)
		}
		log, _ := os.ReadFile(c.agent.Path() + ".log")
		if string(log) != c.actions {
			t.Errorf("%s was asked for %q, want %q", c.agent.Path(), log, c.actions)
		}
	}
	if p := armory(fencing.Agent{Program: works}, fencing.Agent{Program: broken}).Problem(t.Context()); p != broken+": exit 1: no route to host" {
		t.Errorf("of two: %q", p)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/options", 0o600, "ip=10.0.0.1\ntoken_value=abc\n")
	write(t, dir+"/password", 0o600, "xyz\n")
	agent := fencing.Agent{Program: fake(t, ""), Options: []fencing.Option{option("plug", "7")}, OptionsFile: dir + "/options", PasswordFile: dir + "/password"}
	_, given, err := armory().Shown(&agent, "off")
	want := "action=off\nnodename=lb02\nip=********\ntoken_value=********\nplug=7\npassword=********\n"
	if err != nil || given != want {
		t.Errorf("%q, %v, want %q", given, err, want)
	}
}
