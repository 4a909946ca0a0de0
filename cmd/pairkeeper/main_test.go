package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// asProgram makes this test's binary the program.
const asProgram = "PAIRKEEPER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

const soon = 30 * time.Second

const pair = `nodes:
  lb01: {address: 10.0.0.1, priority: 150}
  lb02: {address: 10.0.0.2, priority: 100}
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    addresses: [10.0.0.3/24]
    preempt_delay: 0
`

// program is a call of pairkeeper, by way of another program where before is given.
func program(before []string, args ...string) *exec.Cmd {
	argv := append(append(before[:len(before):len(before)], os.Args[0]), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// call runs pairkeeper to its end.
func call(t *testing.T, cmd *exec.Cmd) (code int, out string) {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// callIn is call inside a host.
func callIn(t *testing.T, h *netlab.Host, cmd *exec.Cmd) (code int, out string) {
	t.Helper()
	var text testbin.Output
	cmd.Stdout, cmd.Stderr = &text, &text
	h.Do(func() {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	})
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), text.String()
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shortDir is a folder for the test alone; the path of a Unix socket has 107 bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// running is pairkeeper run in a host.
type running struct {
	*testing.T
	cmd          *exec.Cmd
	file, socket string
	log          testbin.Output
}

func begin(t *testing.T, h *netlab.Host, conf string) *running {
	t.Helper()
	dir := shortDir(t)
	r := &running{T: t, file: write(t, filepath.Join(dir, "pairkeeper.yaml"), conf), socket: filepath.Join(dir, "run", "sock")}
	r.cmd = program(nil, "run", "-c", r.file, "--node", "lb01", "--socket", r.socket)
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	h.Start(r.cmd)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

// status is what pairkeeper status prints.
func (r *running) status(flags ...string) string {
	r.Helper()
	_, out := call(r.T, program(nil, append([]string{"status", "--socket", r.socket}, flags...)...))
	return out
}

func (r *running) until(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("not within %s: %s\n%s", soon, what, r.status())
		}
	}
}

func (r *running) shows(words string) {
	r.Helper()
	r.until("status shows "+words, func() bool { return strings.Contains(r.status(), words) })
}

func TestExitCodesAreThoseOfSysexits(t *testing.T) {
	dir := shortDir(t)
	good := write(t, filepath.Join(dir, "good.yaml"), pair)
	bad := write(t, filepath.Join(dir, "bad.yaml"), strings.Replace(pair, "vrid: 50", "vrid: 300", 1))
	dead := filepath.Join(dir, "nobody")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help":                   {[]string{"--help"}, 0, "keeps one healthy proxy"},
		"version":                {[]string{"version"}, 0, "pairkeeper unreleased"},
		"schema":                 {[]string{"schema"}, 0, `"virtual_routers"`},
		"an unknown command":     {[]string{"frobnicate"}, exitUsage, `unknown command "frobnicate"`},
		"an unknown log":         {[]string{"run", "--log", "syslog"}, exitUsage, "not one of auto, journal, text, json"},
		"an unknown flag":        {[]string{"run", "--frobnicate"}, exitUsage, "unknown flag"},
		"too many arguments":     {[]string{"check", "a", "b"}, exitUsage, "accepts at most 1 arg"},
		"check of a good file":   {[]string{"check", good, "--node", "lb02"}, 0, good + ": good, this node is lb02"},
		"-t, as nginx has it":    {[]string{"-t", good, "--node", "lb01"}, 0, "good, this node is lb01"},
		"check --print":          {[]string{"check", "--print", "-c", good, "--node", "lb01"}, 0, "advert_interval: 200ms"},
		"check of a bad file":    {[]string{"check", bad}, exitConfig, "bad.yaml:7: virtual_routers[0].vrid: 300 is not in 1..255"},
		"check of no file":       {[]string{"check", dead}, exitConfig, "nobody: there is no such file"},
		"a node that is not":     {[]string{"check", good, "--node", "lb03"}, exitConfig, "lb03"},
		"run with a bad file":    {[]string{"run", "-c", bad}, exitConfig, "vrid: 300"},
		"cleanup of a bad file":  {[]string{"cleanup", "-c", bad, "--socket", dead}, exitConfig, "vrid: 300"},
		"status without daemon":  {[]string{"status", "--socket", dead}, exitUnavailable, "no daemon answers on " + dead},
		"check without daemon":   {[]string{"status", "--check", "--socket", dead}, exitUnavailable, "no daemon answers on " + dead},
		"status of two kinds":    {[]string{"status", "--check", "--json"}, exitUsage, "none of the others can be"},
		"reload without daemon":  {[]string{"reload", "--socket", dead}, exitUnavailable, "is it running?"},
		"status with arguments?": {[]string{"status", "web"}, exitUsage, "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := call(t, program(nil, c.args...))
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit status %d, want %d; it says %q, want %q", code, c.code, out, c.says)
			}
			if strings.Contains(out, "failed to") {
				t.Errorf("it says %q", out)
			}
		})
	}
}

func TestAMissingCapabilityIsNamed(t *testing.T) {
	netlab.Need(t, "setpriv")
	dir := shortDir(t)
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	good := write(t, filepath.Join(dir, "good.yaml"), pair)
	for _, c := range []struct{ drop, name string }{{"-net_raw", "CAP_NET_RAW"}, {"-net_admin", "CAP_NET_ADMIN"}} {
		for _, command := range []string{"run", "cleanup"} {
			h.Run("ip", "address", "replace", "10.0.0.3/24", "dev", "eth0") // cleanup has something to do
			without := []string{"setpriv", "--bounding-set", c.drop, "--inh-caps", c.drop}
			code, out := callIn(t, h, program(without, command, "-c", good, "--node", "lb01", "--socket", filepath.Join(dir, "sock")))
			if code != exitPermission || !strings.Contains(out, c.name+" is missing: run as root, or give the service AmbientCapabilities="+c.name) {
				t.Errorf("%s without %s: exit status %d: %s", command, c.name, code, out)
			}
		}
	}
}

func TestAnotherUserMayNotAsk(t *testing.T) {
	netlab.Need(t, "setpriv")
	dir := shortDir(t)
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The program has to be where the user may execute it.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "sock"), 0o600)); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "pairkeeper"), self, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("setpriv", "--reuid", "65534", "--clear-groups", filepath.Join(dir, "pairkeeper"), "status", "--socket", filepath.Join(dir, "sock"))
	cmd.Env = append(os.Environ(), asProgram+"=1")
	code, out := call(t, cmd)
	if code != exitPermission || !strings.Contains(out, "only root may ask") {
		t.Errorf("exit status %d: %s", code, out)
	}
}

func TestTheFileIsFoundInItsPlaces(t *testing.T) {
	dir := t.TempDir()
	defer func(old []string) { places = old }(places)
	places = []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")}
	var s source
	if _, err := s.find(); err == nil || !strings.Contains(err.Error(), "there is no configuration file: write "+places[1]) {
		t.Errorf("none: %v", err)
	}
	write(t, places[2], "")
	if got, err := s.find(); got != places[2] || err != nil {
		t.Errorf("one: %q, %v", got, err)
	}
	write(t, places[0], "")
	if _, err := s.find(); err == nil || !strings.Contains(err.Error(), places[0]+" and "+places[2]+": name one with -c") {
		t.Errorf("two: %v", err)
	}
	s.path = "named"
	if got, err := s.find(); got != "named" || err != nil {
		t.Errorf("named: %q, %v", got, err)
	}
}

func TestAHangupDoesWhatReloadDoes(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	manual := "reload: manual\n" + pair
	r := begin(t, h, manual)
	r.shows("web     ACTIVE")
	write(t, r.file, strings.Replace(manual, "priority: 150", "priority: 140", 1))
	r.shows("! the configuration file changed and is not in force: pairkeeper reload applies it")
	if err := r.cmd.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.shows("50    140")
	if screen := r.status(); strings.Contains(screen, "!") {
		t.Errorf("the problem is over: %s", screen)
	}
	if log := r.log.String(); !strings.Contains(log, "configuration: nodes.lb01.priority: 150 -> 140") {
		t.Errorf("the log lacks what changed: %s", log)
	}
	want := "nothing changed since "
	if code, out := call(t, program(nil, "reload", "--socket", r.socket)); code != 0 || !strings.HasPrefix(out, want) || !strings.Contains(out, "nodes.lb01.priority: 150 -> 140\n") {
		t.Errorf("reload: exit status %d: %s", code, out)
	}
	if err := r.cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestAChangeOfTheFileIsAppliedByItself(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	key := write(t, filepath.Join(shortDir(t), "vrrp.key"), strings.Repeat("a", 32))
	signed := pair + "    auth: {type: hmac, keys: [{id: 1, file: " + key + "}]}\n"
	r := begin(t, h, signed)
	r.shows("web     ACTIVE")
	write(t, r.file, strings.Replace(signed, "priority: 150", "priority: 140", 1))
	r.shows("50    140")
	write(t, r.file, strings.Replace(signed, "vrid: 50", "vrid: 300", 1))
	r.shows("! the configuration was not reloaded, the last good one is in force:\n  " + r.file + ":7: virtual_routers[0].vrid: 300 is not in 1..255")
	write(t, r.file, signed)
	r.shows("50    150")
	write(t, key, strings.Repeat("b", 32))
	for end := time.Now().Add(soon); !strings.Contains(r.log.String(), "configuration: virtual router web: a password or key changed"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("another key is not applied")
		}
	}
	if log := r.log.String(); strings.Contains(log, "aaaa") || strings.Contains(log, "bbbb") {
		t.Errorf("the log has a key: %s", log)
	}
	if err := r.cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestADaemonsLife(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	r := begin(t, h, pair)
	r.shows("web     ACTIVE")

	if code, out := call(t, program(nil, "status", "--check", "--socket", r.socket)); code != 0 || out != "" {
		t.Errorf("status --check: exit status %d: %s", code, out)
	}
	dec := json.NewDecoder(strings.NewReader(r.status("--json")))
	dec.DisallowUnknownFields()
	var s daemon.Status
	if err := dec.Decode(&s); err != nil || s.Schema != 1 || s.Node != "lb01" || len(s.Routers) != 1 || s.Routers[0].State != "ACTIVE" {
		t.Errorf("status --json: %+v, %v", s, err)
	}

	write(t, r.file, strings.Replace(pair, "vrid: 50", "vrid: 300", 1))
	if err := r.cmd.Process.Signal(unix.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.shows("! the configuration was not reloaded, the last good one is in force:\n  " + r.file + ":7: virtual_routers[0].vrid: 300 is not in 1..255")
	r.shows("web     ACTIVE")
	if code, out := call(t, program(nil, "reload", "--socket", r.socket)); code != exitConfig || !strings.Contains(out, "the last good configuration stays in force") {
		t.Errorf("reload of a bad file: exit status %d: %s", code, out)
	}
	write(t, r.file, pair)
	if code, out := call(t, program(nil, "reload", "--socket", r.socket)); code != 0 || out != "nothing changed\n" {
		t.Errorf("reload of the same file: exit status %d: %s", code, out)
	}
	write(t, r.file, strings.Replace(pair, "priority: 150", "priority: 140", 1))
	if code, out := call(t, program(nil, "reload", "--socket", r.socket)); code != 0 || !strings.Contains(out, "nodes.lb01.priority: 150 -> 140\n") {
		t.Errorf("reload: exit status %d: %s", code, out)
	}

	h.Cable("eth0").Cut()
	r.shows("FAULT (link-down)")
	if code, out := call(t, program(nil, "status", "--check", "--socket", r.socket)); code != exitFault || !strings.Contains(out, "web: FAULT (link-down)") {
		t.Errorf("status --check of a node in FAULT: exit status %d: %s", code, out)
	}
	h.Cable("eth0").Join()
	r.shows("web     ACTIVE")

	clean := program(nil, "cleanup", "-c", r.file, "--node", "lb01", "--socket", r.socket)
	if code, out := callIn(t, h, clean); code != exitUnavailable || !strings.Contains(out, "stop it first") {
		t.Errorf("cleanup beside a daemon: exit status %d: %s", code, out)
	}
	second := program(nil, "run", "-c", r.file, "--node", "lb01", "--socket", r.socket)
	if code, out := callIn(t, h, second); code == 0 || !strings.Contains(out, "another pairkeeper is running and answers there") {
		t.Errorf("a second daemon: exit status %d: %s", code, out)
	}
	r.shows("web     ACTIVE")

	if err := r.cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if out := h.Run("ip", "address", "show", "dev", "eth0"); strings.Contains(out, "10.0.0.3") {
		t.Errorf("the address was left: %s", out)
	}
	for _, line := range []string{"begins as lb01 with " + r.file, "web: BACKUP -> ACTIVE (alone) [MASTER]", "the new configuration is refused", "pairkeeper ends"} {
		if !strings.Contains(r.log.String(), line) {
			t.Errorf("the log does not say %q", line)
		}
	}
}

// letsGo is priority 0 for a virtual router from an address.
func letsGo(vrid byte, from string) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		if !f.IsIPv4(112) {
			return false
		}
		p := f.Payload()
		return len(p) >= 23 && p[21] == vrid && p[22] == 0 && net.IP(p[12:16]).String() == from
	}
}

func TestCleanupTellsThePeerAndTakesTheAddressAway(t *testing.T) {
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24")
	dir := shortDir(t)
	args := []string{"cleanup", "-c", write(t, filepath.Join(dir, "c.yaml"), pair), "--node", "lb01", "--socket", filepath.Join(dir, "sock")}
	wire := lab.Capture()
	if code, out := callIn(t, h, program(nil, args...)); code != 0 || out != "" {
		t.Errorf("with nothing to do: exit status %d: %s", code, out)
	}
	h.Run("ip", "address", "add", "10.0.0.3/16", "dev", "eth0") // under whatever prefix length
	if code, out := callIn(t, h, program(nil, args...)); code != 0 || !strings.Contains(out, "removing the addresses that a dead daemon left on eth0") {
		t.Errorf("exit status %d: %s", code, out)
	}
	if got := len(wire.Wait(1, soon, letsGo(50, "10.0.0.1"))); got != 1 {
		t.Errorf("%d adverts of priority 0, want one", got)
	}
	if out := h.Run("ip", "address", "show", "dev", "eth0"); strings.Contains(out, "10.0.0.3") || !strings.Contains(out, "10.0.0.1/24") {
		t.Errorf("the addresses are %s", out)
	}
}

func TestCleanupLeavesAnOwnersAddressAlone(t *testing.T) {
	lab := netlab.New(t)
	h := lab.Host("lb01", "10.0.0.1/24", "10.0.0.3/24")
	dir := shortDir(t)
	conf := strings.Replace(pair, "priority: 150", "priority: 255", 1)
	wire := lab.Capture()
	code, out := callIn(t, h, program(nil, "cleanup", "-c", write(t, filepath.Join(dir, "c.yaml"), conf), "--node", "lb01", "--socket", filepath.Join(dir, "sock")))
	if code != 0 {
		t.Errorf("exit status %d: %s", code, out)
	}
	if out := h.Run("ip", "address", "show", "dev", "eth0"); !strings.Contains(out, "10.0.0.3/24") {
		t.Errorf("the host's own address was taken: %s", out)
	}
	if got := wire.Frames(letsGo(50, "10.0.0.1")); len(got) != 0 {
		t.Error("it was released on the wire")
	}
}

func TestCleanupWithoutTheInterfaceHasNothingToDo(t *testing.T) {
	h := netlab.New(t).Host("lb01")
	dir := shortDir(t)
	code, out := callIn(t, h, program(nil, "cleanup", "-c", write(t, filepath.Join(dir, "c.yaml"), pair), "--node", "lb01", "--socket", filepath.Join(dir, "sock")))
	if code != 0 || out != "" {
		t.Errorf("exit status %d: %s", code, out)
	}
}
