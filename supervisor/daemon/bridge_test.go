package daemon

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestWhatIsLeftOpenIsTakenOnce(t *testing.T) {
	f := bridgeFile{bridgePath(filepath.Join(t.TempDir(), "control.sock"))}
	open := supervisor.Bridged{
		Router: "web", VRID: 50, Interface: "eth0", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.7")},
		Until: now().Add(time.Minute), Since: now().Add(-time.Hour),
	}
	over := open
	over.Router, over.Until = "mail", now().Add(-time.Nanosecond)
	if err := f.write([]supervisor.Bridged{open, over}); err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff([]supervisor.Bridged{open}, f.take(), same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.take(); len(got) != 0 {
		t.Errorf("the second time: %v", got)
	}
}

func TestWhatIsNotOfThisBootIsNotOpen(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control.sock")
	f := bridgeFile{bridgePath(socket)}
	if err := f.write([]supervisor.Bridged{{Router: "web", Until: now().Add(time.Minute)}}); err != nil {
		t.Fatal(err)
	}
	if !Bridged(socket) {
		t.Error("what was just left is not open")
	}
	good, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"another boot": strings.Replace(string(good), bootID(), "0a", 1),
		"half":         string(good)[:len(good)/2],
		"nothing":      "",
		"garbage":      "\x00\xff",
	} {
		if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if Bridged(socket) {
			t.Errorf("%s: taken for what is open", what)
		}
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if Bridged(socket) || Bridged("") {
		t.Error("no file")
	}
}
