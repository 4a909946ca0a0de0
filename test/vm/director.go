//go:build linux

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// director is a pairkeeper whose folder outlives it.
type director struct {
	*site
	host *netlab.Host
	dir  string
	cmd  *exec.Cmd
	said *testbin.Output // by the last one
}

func (d *director) start(config string) {
	d.Helper()
	file := filepath.Join(d.dir, "pairkeeper.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		d.Fatal(err)
	}
	d.cmd = exec.Command(testbin.Path(), "run", "--log", "text", "-c", file, "--node", d.host.Name, "--socket", filepath.Join(d.dir, "sock"))
	said := &testbin.Output{}
	d.said = said
	d.cmd.Stdout, d.cmd.Stderr = said, said
	d.host.Start(d.cmd)
	d.Cleanup(func() {
		if d.Failed() {
			d.Logf("%s wrote:\n%s", d.host.Name, said)
		}
	})
}

func (d *director) kill() {
	d.Helper()
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}

func (d *director) stop() {
	d.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		d.Errorf("%s ended with %v", d.host.Name, err)
	}
}

// has waits until the table has one text and not another; empty: any.
func (d *director) has(want, not string) {
	d.Helper()
	s := d.site
	s.await(fmt.Sprintf("%q without %q", want, not), func() bool {
		got := rules(d.host)
		return strings.Contains(got, want) && (not == "" || !strings.Contains(got, not))
	})
}

func (s *site) await(what string, is func() bool) {
	s.Helper()
	for end := time.Now().Add(soon); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited in vain: %s", what)
		}
	}
}

// rules is what ipvsadm -Sn says of a host.
func rules(h *netlab.Host) string { return strings.TrimSpace(h.Run("ipvsadm", "-Sn")) }
