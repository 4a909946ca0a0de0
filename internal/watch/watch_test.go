package watch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// soon is generous: the machine may be busy.
const soon = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is a folder with a configuration that is watched.
type scene struct {
	testing.TB
	dir   string // outside of what is watched
	conf  string // what is watched
	tells chan Change
	warns chan string
	last  Change
}

// begin watches dir/conf with what cfg has besides, and awaits the first look.
func begin(t testing.TB, cfg Config) *scene {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{TB: t, dir: dir, conf: dir + "/conf", tells: make(chan Change, 100), warns: make(chan string, 100)}
	s.write("conf/main.conf", "one")
	s.write("conf/conf.d/site.conf", "two")
	s.run(cfg)
	s.last = s.next()
	return s
}

func (s *scene) run(cfg Config) {
	if cfg.Paths == nil {
		cfg.Paths = []string{s.conf}
	}
	if cfg.Settle == 0 {
		cfg.Settle = 100 * time.Millisecond
	}
	if cfg.Audit == 0 {
		cfg.Audit = time.Hour // or the kernel's word would not be needed
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Run(ctx, cfg, func(c Change) { s.tells <- c }, func(w string) { s.warns <- w })
	}()
	s.Cleanup(func() { cancel(); <-done })
}

func (s *scene) next() Change {
	s.Helper()
	select {
	case c := <-s.tells:
		return c
	case <-time.After(soon):
		s.Fatal("no change is told")
		return Change{}
	}
}

// tells wants one change with these paths, which are relative to the scene.
func (s *scene) changed(paths ...string) {
	s.Helper()
	for i := range paths {
		paths[i] = filepath.Join(s.dir, paths[i])
	}
	c := s.next()
	if !slices.Equal(c.Paths, paths) || c.Hash == s.last.Hash || c.Problem != "" {
		s.Fatalf("told %+v, want a change of %v", c, paths)
	}
	s.last = c
}

// silent wants that nothing was told until now: the next change is that of one more file.
func (s *scene) silent() {
	s.Helper()
	was := s.last.Hash
	s.write("conf/zz.conf", "probe")
	s.changed("conf/zz.conf")
	s.remove("conf/zz.conf")
	s.changed("conf/zz.conf")
	if s.last.Hash != was {
		s.Fatal("the same content has another hash")
	}
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) write(name, text string) {
	s.Helper()
	s.check(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	s.check(os.WriteFile(s.path(name), []byte(text), 0o644))
}

func (s *scene) rename(old, name string) { s.Helper(); s.check(os.Rename(s.path(old), s.path(name))) }
func (s *scene) remove(name string)      { s.Helper(); s.check(os.RemoveAll(s.path(name))) }
func (s *scene) link(to, name string)    { s.Helper(); s.check(os.Symlink(to, s.path(name))) }

// switchTo does what ln -sfn does: it replaces a link by another one at once.
func (s *scene) switchTo(to, name string) {
	s.Helper()
	s.link(to, name+".tmp")
	s.rename(name+".tmp", name)
}

func (s *scene) shell(script string) {
	s.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("%s: %v: %s", script, err, out)
	}
}

func TestEveryWayToWriteAFileIsSeen(t *testing.T) {
	for name, script := range map[string]string{
		"written in place":                    "echo 1 > conf/main.conf",
		"sed -i":                              "sed -i s/one/1/ conf/main.conf",
		"written beside it and renamed":       "echo 1 > conf/.ansible_tmpX; mv conf/.ansible_tmpX conf/main.conf",
		"vim, with a swap file and a backup":  "touch conf/.main.conf.swp conf/4913; rm conf/4913; mv conf/main.conf conf/main.conf~; echo 1 > conf/main.conf; rm conf/main.conf~ conf/.main.conf.swp",
		"removed and written again, later":    "rm conf/main.conf; sleep 0.02; echo 1 > conf/main.conf",
		"moved in from elsewhere":             "echo 1 > new; mv new conf/main.conf",
		"a hard link to another file instead": "echo 1 > new; ln -f new conf/main.conf",
		"a package manager":                   "echo 1 > conf/main.conf.dpkg-new; mv conf/main.conf.dpkg-new conf/main.conf",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, Config{})
			s.shell(script)
			s.changed("conf/main.conf")
			s.silent()
		})
	}
}

func TestWhatLeavesTheContentAsItIsIsNoChange(t *testing.T) {
	for name, script := range map[string]string{
		"a touch":                     "touch conf/main.conf",
		"other permissions":           "chmod 600 conf/main.conf; chmod 700 conf/conf.d",
		"the same written again":      "cp conf/main.conf x; cp x conf/main.conf",
		"the same renamed into place": "cp conf/main.conf x; mv x conf/main.conf",
		"the folder by a copy":        "cp -r conf copy; mv conf old; mv copy conf",
		"swap and backup files":       "touch conf/.main.conf.swp conf/main.conf~ conf/4913 conf/.#main.conf conf/#main.conf# conf/main.conf.dpkg-new conf/conf.d/.site.conf.swx",
		"an empty folder":             "mkdir conf/empty",
		"a pipe and a socket":         "mkfifo conf/pipe",
		"version control":             "mkdir conf/.git; echo x > conf/.git/HEAD",
		"something beside it":         "echo x > other.conf",
		"gone and back":               "mv conf/main.conf x; mv x conf/main.conf",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, Config{})
			s.shell(script)
			s.silent()
		})
	}
}

func TestAFolderThatIsReplacedIsStillWatched(t *testing.T) {
	s := begin(t, Config{})
	site := "two"
	for i := range 3 {
		text := strconv.Itoa(i)
		s.write("next/main.conf", text)
		s.write("next/conf.d/site.conf", site)
		s.rename("conf", "conf.old")
		s.rename("next", "conf")
		s.changed("conf/main.conf")
		site = "in the new folder " + text
		s.write("conf/conf.d/site.conf", site)
		s.changed("conf/conf.d/site.conf")
		s.write("conf.old/main.conf", "in the old one")
		s.silent()
		s.remove("conf.old")
	}
}

func TestASwitchedLinkIsSeen(t *testing.T) {
	s := begin(t, Config{})
	s.remove("conf")
	s.changed("conf/conf.d/site.conf", "conf/main.conf")
	for _, release := range []string{"1", "2"} {
		s.write("releases/"+release+"/main.conf", "release "+release)
		s.write("releases/"+release+"/same.conf", "same")
	}
	s.link("releases/1", "conf")
	s.changed("conf/main.conf", "conf/same.conf")
	s.switchTo("releases/2", "conf")
	s.changed("conf/main.conf")
	s.write("releases/2/main.conf", "edited behind the link")
	s.changed("conf/main.conf")
	s.write("releases/1/main.conf", "edited where nothing leads")
	s.silent()
}

func TestAKubernetesVolumeIsSeenToBeSwitched(t *testing.T) {
	s := begin(t, Config{})
	s.write("conf/..1/nginx.conf", "one")
	s.write("conf/..2/nginx.conf", "two")
	s.link("..1", "conf/..data")
	s.link("..data/nginx.conf", "conf/nginx.conf")
	s.changed("conf/nginx.conf")
	s.switchTo("..2", "conf/..data")
	s.changed("conf/nginx.conf")
	s.remove("conf/..1")
	s.silent()
}

func TestALinkedFileIsFollowed(t *testing.T) {
	s := begin(t, Config{})
	s.write("available/x.conf", "x")
	s.link("../../available/x.conf", "conf/conf.d/x.conf")
	s.changed("conf/conf.d/x.conf")
	s.write("available/x.conf", "y")
	s.changed("conf/conf.d/x.conf")
	s.write("available/other.conf", "y")
	s.silent()
}

func TestLinksInACircleEnd(t *testing.T) {
	s := begin(t, Config{})
	s.link("..", "conf/conf.d/up")
	s.link("b", "conf/a")
	s.link("a", "conf/b")
	s.changed("conf/a", "conf/b") // unreadable, which is said once
	s.silent()
}

func TestWhatComesLaterIsSeen(t *testing.T) {
	s := begin(t, Config{})
	s.shell("mkdir -p conf/new/deep; echo x > conf/new/deep/x.conf")
	s.changed("conf/new/deep/x.conf")
	s.write("conf/new/deep/x.conf", "y")
	s.changed("conf/new/deep/x.conf")
	s.remove("conf")
	s.changed("conf/conf.d/site.conf", "conf/main.conf", "conf/new/deep/x.conf")
	s.write("conf/main.conf", "back")
	s.changed("conf/main.conf")
}

func TestAPathThatIsNotThereYetIsAwaited(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{TB: t, dir: dir, tells: make(chan Change, 100), warns: make(chan string, 100)}
	s.run(Config{Paths: []string{dir + "/a/b/conf", dir + "/a/single.conf"}})
	s.last = s.next()
	s.write("a/b/conf/main.conf", "one")
	s.changed("a/b/conf/main.conf")
	s.write("a/single.conf", "one")
	s.changed("a/single.conf")
	s.write("a/other.conf", "one")
	s.rename("a", "gone")
	s.changed("a/b/conf/main.conf", "a/single.conf")
}

// The proxy's folder has our own file in it.
func TestAnExcludedFileDoesNotCount(t *testing.T) {
	s := begin(t, Config{})
	dir := s.dir
	x := &scene{TB: t, dir: dir, conf: dir + "/conf", tells: make(chan Change, 100), warns: make(chan string, 100)}
	x.run(Config{Exclude: []string{dir + "/conf/pairkeeper.yaml"}})
	x.last = x.next()
	x.write("conf/pairkeeper.yaml", "nodes:")
	x.silent()
}

// certificates takes each line that is a path for a file that is named.
func certificates(_ string, text []byte) (list []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "/") {
			list = append(list, line)
		}
	}
	return list
}

func TestNamedFilesCountAsLongAsTheyAreNamed(t *testing.T) {
	s := begin(t, Config{Named: certificates})
	own := s.last.Own
	s.write("archive/cert1.pem", "1")
	s.write("archive/cert2.pem", "2")
	s.check(os.Mkdir(s.path("live"), 0o755))
	s.link("../archive/cert1.pem", "live/cert.pem")
	s.write("conf/main.conf", s.path("live/cert.pem"))
	s.changed("conf/main.conf", "live/cert.pem")
	if s.last.Own == own {
		t.Error("the configuration changed, its own hash did not")
	}
	own = s.last.Own
	s.switchTo("../archive/cert2.pem", "live/cert.pem")
	s.changed("live/cert.pem")
	if s.last.Own != own {
		t.Error("only a named file changed, yet the hash of the configuration did too")
	}
	s.write("conf/main.conf", "none")
	s.changed("conf/main.conf", "live/cert.pem")
	s.switchTo("../archive/cert1.pem", "live/cert.pem")
	s.silent()
}

func TestManyWritesAreOneChange(t *testing.T) {
	s := begin(t, Config{Settle: time.Second})
	for i := range 50 {
		s.write("conf/main.conf", strconv.Itoa(i))
	}
	s.changed("conf/main.conf")
	s.silent()
}

// It does not wait for somebody who never stops.
func TestSomebodyWhoKeepsWritingIsNotWaitedFor(t *testing.T) {
	s := begin(t, Config{Settle: time.Hour, Limit: 200 * time.Millisecond})
	s.write("conf/main.conf", "1")
	s.changed("conf/main.conf")
}

// A reader that blocks lets the kernel's queue overflow; what comes after is not told.
func TestAnOverflowOfTheQueueLosesNothing(t *testing.T) {
	s := &scene{TB: t, tells: make(chan Change)} // a tell waits for who takes it
	dir, err := filepath.EvalSymlinks(t.TempDir())
	s.check(err)
	s.dir, s.conf, s.warns = dir, dir+"/conf", make(chan string, 100)
	s.write("conf/main.conf", "one")
	s.run(Config{})
	time.Sleep(100 * time.Millisecond) // it looks, and then waits with its first word
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	s.check(err)
	most, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	s.check(err)
	for i := range most + 5000 { // two names by turns, or the kernel makes one event of them
		s.check(os.WriteFile(s.path(fmt.Sprintf("conf/%d~", i%2)), nil, 0o644))
	}
	s.write("conf/main.conf", "two")
	s.last = s.next()
	s.changed("conf/main.conf")
}

func TestWithoutInotifyItLooksAndSaysSoOnce(t *testing.T) {
	var refusals int
	s := begin(t, Config{Poll: 50 * time.Millisecond, open: func() (*fsnotify.Watcher, error) {
		refusals++
		return nil, unix.EMFILE
	}})
	for i := range 3 {
		s.write("conf/main.conf", strconv.Itoa(i))
		s.changed("conf/main.conf")
	}
	s.rename("conf", "old")
	s.changed("conf/conf.d/site.conf", "conf/main.conf")
	if w := <-s.warns; !strings.Contains(w, "fs.inotify.max_user_instances") || len(s.warns) > 0 {
		t.Errorf("it warns %q, and %d times more", w, len(s.warns))
	}
}

const limited = "PAIRKEEPER_TEST_LIMITED"

// The limit is one of a user namespace.
func TestTheKernelsLimitOfWatchesIsMetByLooking(t *testing.T) {
	if os.Getenv(limited) == "" {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		again.Env = append(os.Environ(), limited+"=1")
		root := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: root, GidMappings: root}
		if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_watches", []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	s := begin(t, Config{Poll: 50 * time.Millisecond})
	s.write("conf/main.conf", "1")
	s.changed("conf/main.conf")
	if w := <-s.warns; !strings.Contains(w, "fs.inotify.max_user_watches") || len(s.warns) > 0 {
		t.Errorf("it warns %q, and %d times more", w, len(s.warns))
	}
}

func TestTooManyFilesAreSaidAndMended(t *testing.T) {
	s := begin(t, Config{})
	for i := range maxFiles {
		s.write(fmt.Sprintf("more/%d", i), "")
	}
	s.rename("more", "conf/more")
	if c := s.next(); !strings.Contains(c.Problem, "more than 4096 files are to be watched") || c.Hash != "" {
		t.Fatalf("told %+v", c)
	}
	s.rename("conf/more", "more") // at once: what is left of a removal half-way is told, too
	if c := s.next(); c.Problem != "" || c.Hash != s.last.Hash {
		t.Fatalf("%d files, %s, %q", len(c.Paths), c.Hash, c.Problem)
	}
}

func TestTooLargeFilesAreSaid(t *testing.T) {
	s := begin(t, Config{})
	s.write("large", "")
	s.check(os.Truncate(s.path("large"), maxBytes+1))
	s.rename("large", "conf/large")
	if c := s.next(); !strings.Contains(c.Problem, "more than 64 MiB") || !strings.Contains(c.Problem, "conf/large") {
		t.Fatalf("told %+v", c)
	}
}

// A file system that does not tell, such as one over the network, is looked at now and then.
func TestAnAuditFindsWhatTheKernelDidNotTell(t *testing.T) {
	s := begin(t, Config{Audit: 100 * time.Millisecond, open: func() (*fsnotify.Watcher, error) {
		w, err := fsnotify.NewWatcher()
		if err == nil {
			w.Events = nil // nothing is heard
		}
		return w, err
	}})
	s.write("conf/main.conf", "1")
	s.changed("conf/main.conf")
}

func TestTheTimeOfAChangeIsWhenItWasWritten(t *testing.T) {
	s := begin(t, Config{Settle: 500 * time.Millisecond})
	if s.last.Written.After(time.Now()) {
		t.Errorf("the first look says %s", s.last.Written)
	}
	before := time.Now()
	s.write("conf/main.conf", "1")
	after := time.Now()
	s.changed("conf/main.conf")
	const tick = 20 * time.Millisecond // a kernel's file times are as coarse as its ticks
	if at := s.last.Written; at.Before(before.Add(-tick)) || at.After(after.Add(tick)) {
		t.Errorf("written at %s, not within %s and %s", at, before, after)
	}
}
