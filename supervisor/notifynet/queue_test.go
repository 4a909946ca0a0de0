package notifynet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func start(t *testing.T) (*Hooks, *diary) {
	log := &diary{}
	h := NewHooks(log.logger())
	t.Cleanup(h.Close)
	return h, log
}

func TestNotifyHasKeepalivedsArgumentsInTheOrderOfTheTransitions(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `echo "$@" >>$out`)
	hooks := supervisor.Hooks{Notify: hook(path, "notify"), Active: hook(path, "master"), Backup: hook(path, "backup")}
	group := toMaster
	group.Router, group.Group, group.Priority = "", "pair", 0
	fault := transition(vrrp.Active, vrrp.Fault, supervisor.ReasonProxyDown)
	for _, tr := range []Transition{toMaster, group, fault, toBackup, of(toMaster, "mail")} {
		h.Moved(tr, hooks)
	}
	want := []string{
		"master", "notify INSTANCE web MASTER 150", "master", "notify GROUP pair MASTER 0",
		"notify INSTANCE web FAULT 150", "backup", "notify INSTANCE web BACKUP 150",
		"master", "notify INSTANCE mail MASTER 150",
	}
	if got := lines(t, out, len(want)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAHookIsToldByItsEnvironmentToo(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `env | grep PAIRKEEPER | sort >$out.new; mv $out.new $out`)
	h.Moved(toMaster, supervisor.Hooks{Active: hook(path)})
	want := []string{
		"PAIRKEEPER_ADDRESSES=10.0.0.3/24 10.0.0.4/24", "PAIRKEEPER_GROUP=", "PAIRKEEPER_HOOK=active", "PAIRKEEPER_INTERFACE=eth0",
		"PAIRKEEPER_NODE=lb01", "PAIRKEEPER_OLD_STATE=BACKUP", "PAIRKEEPER_PEER=lb02", "PAIRKEEPER_PRIORITY=150",
		"PAIRKEEPER_REASON=peer-silent", "PAIRKEEPER_ROUTER=web", "PAIRKEEPER_STATE=ACTIVE",
	}
	if got := lines(t, out, 1); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHooksNeverOverlap(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `echo begin >>$out; sleep 0.03; echo end >>$out`)
	for i := range 8 {
		h.Moved(of(toMaster, fmt.Sprint("web", i%2)), supervisor.Hooks{Notify: hook(path)})
		h.Reassert(of(toMaster, fmt.Sprint("web", i%2)), hook(path))
	}
	got := lines(t, out, 20) // of the reasserts, one of each router waits
	for i, l := range got {
		if want := []string{"begin", "end"}[i%2]; l != want {
			t.Fatalf("line %d is %s, want %s: %q", i, l, want, got)
		}
	}
}

// A hook hangs while the router moves on and on: only where it ends up counts.
func TestOfTransitionsThatPileUpTheLastOneCounts(t *testing.T) {
	h, log := start(t)
	path, out := script(t, `[ -e $out.hung ] || { touch $out.hung; sleep 1000; }; echo "$2 $3" >>$out`)
	hooks := supervisor.Hooks{Notify: supervisor.Hook{Command: []string{path}, Timeout: 2 * time.Second}}
	h.Moved(toMaster, hooks)
	wait(t, "the hook runs", func() bool { _, err := os.Stat(out + ".hung"); return err == nil })
	for range 50 {
		h.Moved(toMaster, hooks)
		h.Moved(toBackup, hooks)
	}
	h.Moved(of(toMaster, "mail"), hooks)
	log.waitFor(t, "web: its hooks are not told of MASTER, BACKUP, MASTER, BACKUP, MASTER, BACKUP, MASTER, BACKUP: the hooks before them take too long")
	log.waitFor(t, "WARN web: hook notify (MASTER): "+path+": not done within 2s, killed")
	wait(t, "the other router", func() bool { return slices.Contains(lines(t, out, 1), "mail MASTER") })
	got := lines(t, out, 1)
	if i := len(got) - 1; i > maxWaiting || got[i-1] != "web BACKUP" {
		t.Errorf("%q", got)
	}
}

func TestWhatAHookPrintsGoesToTheLog(t *testing.T) {
	h, log := start(t)
	path, _ := script(t, `echo moving; printf 'a\033[31mb\n' >&2; echo no quota; exit 3`)
	h.Moved(toMaster, supervisor.Hooks{Active: hook(path)})
	for _, want := range []string{
		"INFO web: hook active says: moving", "INFO web: hook active says: a [31mb",
		"WARN web: hook active (MASTER): " + path + ": exit 3: no quota",
	} {
		log.waitFor(t, want)
	}
}

func TestAHookThatPrintsWithoutEndIsBounded(t *testing.T) {
	h, log := start(t)
	path, _ := script(t, `while :; do echo again; done`)
	h.Moved(toMaster, supervisor.Hooks{Active: supervisor.Hook{Command: []string{path}, Timeout: 2 * time.Second}})
	log.waitFor(t, "not done within 2s, killed")
	if n := strings.Count(log.text(), "says: again"); n == 0 || n > 500 {
		t.Errorf("%d lines", n)
	}
}

func TestAHookThatCannotBeRunIsSaidEachTime(t *testing.T) {
	h, log := start(t)
	path, _ := script(t, `exit 0`)
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	nobody := hook("/bin/true")
	nobody.User = "nobody-at-all"
	h.Moved(toMaster, supervisor.Hooks{Active: hook(path), Notify: nobody})
	log.waitFor(t, "WARN web: hook active (MASTER): not run: "+path+" can be written by everybody: chmod o-w "+path)
	log.waitFor(t, "WARN web: hook notify (MASTER): not run: there is no user nobody-at-all")
	if err := Usable(hook(path)); err == nil || err.Error() != path+" can be written by everybody: chmod o-w "+path {
		t.Error(err)
	}
	if err := Usable(nobody); err == nil || err.Error() != "there is no user nobody-at-all" {
		t.Error(err)
	}
}

func TestAHookRunsAsItsUser(t *testing.T) {
	netlab.Need(t) // root
	h, log := start(t)
	path, _ := script(t, `echo "$(id -un) $HOME"`)
	for dir := filepath.Dir(path); dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	as := hook(path)
	as.User = "nobody"
	h.Moved(toMaster, supervisor.Hooks{Active: as})
	log.waitFor(t, "web: hook active says: nobody /nonexistent")
}

// The daemon calls Close when the addresses are gone.
func TestStopHooksRunWhenTheAddressesAreGone(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `echo "$2 $3" >>$out`)
	hooks := supervisor.Hooks{Notify: hook(path)}
	h.Moved(toMaster, hooks)
	lines(t, out, 1)
	h.Moved(toStop, hooks)
	h.Moved(of(toStop, "mail"), hooks)
	time.Sleep(200 * time.Millisecond)
	if got := lines(t, out, 1); len(got) != 1 {
		t.Fatalf("%q before the addresses are gone", got)
	}
	h.Close()
	if got, want := lines(t, out, 1), []string{"web MASTER", "web STOP", "mail STOP"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	h.Moved(toMaster, hooks) // too late for anything
}

func TestHooksThatHangDoNotHoldUpTheEnd(t *testing.T) {
	for name, text := range map[string]string{
		"one that is under way": `[ $3 = STOP ] && { echo "$2 $3" >>$out; exit; }; touch $out.hung; trap '' TERM; sleep 1000`,
		"those of the stop":     `touch $out.hung; [ $3 = STOP ] || exit; echo "$2 $3" >>$out; trap '' TERM; sleep 1000`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, log := start(t)
			path, out := script(t, text)
			hooks := supervisor.Hooks{Notify: hook(path)}
			h.Moved(toMaster, hooks)
			defer func() {
				if t.Failed() {
					t.Log(log.text())
				}
			}()
			wait(t, "the hook runs", func() bool { _, err := os.Stat(out + ".hung"); return err == nil })
			h.Moved(toBackup, hooks) // waits
			h.Moved(toStop, hooks)
			h.Moved(of(toStop, "mail"), hooks)
			began := time.Now()
			h.Close()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the end took %s", took)
			}
			if got := lines(t, out, 1); got[0] != "web STOP" {
				t.Errorf("%q\n%s", got, log.text())
			}
		})
	}
}

func TestAVetoIsItsHooksLastLine(t *testing.T) {
	h, _ := start(t)
	for text, want := range map[string]string{
		"exit 0":                 "",
		"echo no quota; exit 1":  ": exit 1: no quota",
		"echo trying; sleep 999": ": not done within 2s, killed: trying",
	} {
		path, _ := script(t, text)
		if want != "" {
			want = path + want
		}
		said := make(chan string, 1)
		h.Ask(toMaster, supervisor.Hook{Command: []string{path}, Timeout: 2 * time.Second}, func(problem string) { said <- problem })
		if got := <-said; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A hook that never ends delays no failover.
func TestWhatVetoesDoesNotWaitForOtherHooks(t *testing.T) {
	h, _ := start(t)
	hangs, out := script(t, `touch $out; sleep 1000`)
	h.Moved(toBackup, supervisor.Hooks{Notify: hook(hangs)})
	wait(t, "it hangs", func() bool { _, err := os.Stat(out); return err == nil })
	said := make(chan string, 2)
	h.Ask(of(toMaster, "mail"), hook(hangs), func(problem string) { said <- "mail " + problem })
	h.Ask(toMaster, hook("/bin/true"), func(problem string) { said <- "web " + problem })
	if got := <-said; got != "web " {
		t.Errorf("%q", got)
	}
}

func TestAnotherQuestionEndsTheHookOfTheOneBefore(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `echo begin >>$out; [ -e $out.hung ] && { echo end >>$out; exit 0; }; touch $out.hung; exec sleep 1000`)
	said := make(chan string, 2)
	h.Ask(toMaster, hook(path), func(p string) { said <- "first " + p })
	wait(t, "it hangs", func() bool { _, err := os.Stat(out + ".hung"); return err == nil })
	h.Ask(toMaster, hook(path), func(p string) { said <- "second " + p })
	got := []string{<-said, <-said}
	slices.Sort(got)
	if !strings.HasPrefix(got[0], "first "+path+": not finished, killed") || got[1] != "second " {
		t.Errorf("%q", got)
	}
	if got := lines(t, out, 3); !slices.Equal(got, []string{"begin", "begin", "end"}) {
		t.Errorf("%q", got)
	}
}
