package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pairkeeper/pairkeeper/fencing"
)

func TestAWitnessNeedsAKeyAndAPort(t *testing.T) {
	dir := t.TempDir()
	short, good := filepath.Join(dir, "short.key"), filepath.Join(dir, "pair.key")
	if err := os.WriteFile(short, []byte("hex:00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"keygen", good}); code != 0 {
		t.Fatal(code)
	}
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"witness"}, exitUsage},
		{[]string{"witness", "--key-file", filepath.Join(dir, "none")}, exitConfig},
		{[]string{"witness", "--key-file", short}, exitConfig},
		{[]string{"witness", "--key-file", good + "," + short}, exitConfig},
		{[]string{"witness", "--key-file", good, "--listen", taken.LocalAddr().String()}, exitUnavailable},
	} {
		if code := run(c.args); code != c.code {
			t.Errorf("%q: exit %d, want %d", c.args, code, c.code)
		}
	}
}

func TestMovesOfALeaseInWords(t *testing.T) {
	for want, m := range map[string]fencing.Moved{
		"lb01 has the lease of web":             {Lease: "web", To: "lb01"},
		"lb02 has the lease of web, after lb01": {Lease: "web", From: "lb01", To: "lb02"},
		"lb01 returned the lease of web":        {Lease: "web", From: "lb01"},
	} {
		if got := movedText(m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
