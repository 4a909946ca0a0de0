package daemon_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// noting writes a notify hook that notes its arguments in a file.
func noting(t *testing.T) (path, out string) {
	t.Helper()
	dir := shortDir(t)
	path, out = filepath.Join(dir, "notify"), filepath.Join(dir, "out")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho \"$PAIRKEEPER_NODE $*\" >>"+out+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, out
}

func TestARoutersHooksComeBeforeItsGroups(t *testing.T) {
	t.Parallel()
	path, out := noting(t)
	conf := both() + "hooks: {notify: " + path + "}\n"
	lab := netlab.New(t)
	a := start(t, lab.Host("lb01", "10.0.0.1/24", "2001:db8::1/64"), "lb01", conf)
	a.routers("ACTIVE", "ACTIVE")
	noted := func() []string {
		data, _ := os.ReadFile(out)
		return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
	a.until("the group is MASTER", func() bool { return slices.Contains(noted(), "lb01 GROUP web MASTER 0") })
	a.stop()
	got := noted()
	for _, phase := range [][]string{got[0:2], got[3:5]} {
		slices.Sort(phase) // one step moves both
	}
	want := []string{
		"lb01 INSTANCE four BACKUP 150", "lb01 INSTANCE six BACKUP 150", "lb01 GROUP web BACKUP 0",
		"lb01 INSTANCE four MASTER 150", "lb01 INSTANCE six MASTER 150", "lb01 GROUP web MASTER 0",
		"lb01 INSTANCE four STOP 150", "lb01 INSTANCE six STOP 150",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// The mail server is behind a black hole, the webhook's port is closed.
func TestDeadReceiversAreToldOfInStatusAndDelayNothing(t *testing.T) {
	t.Parallel()
	conf := pair + `notify:
  - {mail: {server: "10.0.0.99:25", tls: none, from: a@example.com, to: [b@example.com]}, on: [active, backup], timeout: 2s}
  - {webhook: "http://10.0.0.1:9/", on: [active, backup, stop]}
`
	lab := netlab.New(t)
	a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", conf)
	b := start(t, lab.Host("lb02", "10.0.0.2/24"), "lb02", conf)
	a.is("ACTIVE")
	b.is("BACKUP")
	a.until("both fail", func() bool {
		s, err := a.status()
		return err == nil && len(s.Notify) == 2 && s.Notify[0].Failing && s.Notify[1].Failing
	})
	s, _ := a.status()
	if e := s.Notify[1].LastError; !strings.Contains(e, "connection refused") || s.Notify[0].Sent+s.Notify[1].Sent > 0 {
		t.Errorf("%+v", s.Notify)
	}
	a.stop()
	b.is("ACTIVE")
	b.holds(true)
}

// A reload that brings a hook moves nobody, and the hook is run from then on.
func TestAReloadBringsHooks(t *testing.T) {
	t.Parallel()
	path, out := noting(t)
	lab := netlab.New(t)
	a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", pair)
	since := a.is("ACTIVE").Since
	a.write(pair + "hooks: {notify: " + path + ", before_active: /bin/false}\n")
	if got := a.reload(); !slices.Contains(got.Changed, "hooks.before_active.command: [/bin/false] is new") || strings.Contains(strings.Join(got.Changed, " "), "key changed") {
		t.Errorf("%q", got.Changed)
	}
	if r := a.is("ACTIVE"); !r.Since.Equal(since) {
		t.Errorf("it moved at %s", r.Since)
	}
	a.stop()
	if data, _ := os.ReadFile(out); string(data) != "lb01 INSTANCE web STOP 150\n" {
		t.Errorf("%q", data)
	}
}

func TestAVetoIsAFaultWithItsReason(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", pair+"hooks: {before_active: {command: /bin/false, retry: 1s}}\n")
	if r := a.isOut("hook-vetoed"); r.Detail != "/bin/false: exit 1" {
		t.Errorf("detail %q", r.Detail)
	}
	a.says("web: FAULT -> BACKUP (started)")
	a.write(pair + "hooks: {before_active: /bin/true}\n")
	a.reload()
	a.is("ACTIVE")
	a.holds(true)
}
