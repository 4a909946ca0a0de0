package netlab

import (
	"os/exec"
	"strings"
	"syscall"
)

// Run runs a command inside the host to its end and returns what it printed on
// both streams; a failure ends the test.
func (h *Host) Run(name string, args ...string) string {
	h.lab.t.Helper()
	out, err := h.Try(name, args...)
	if err != nil {
		h.lab.t.Fatalf("host %s: %s %s: %v\n%s", h.Name, name, strings.Join(args, " "), err, out)
	}
	return out
}

// Try is Run for a command that may fail.
func (h *Host) Try(name string, args ...string) (string, error) {
	h.lab.t.Helper()
	var out strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := inNamespace(h.fd, cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	return out.String(), err
}

// Start starts a command inside the host. It is killed when the lab ends, and by
// the kernel should this process die before.
func (h *Host) Start(cmd *exec.Cmd) {
	h.lab.t.Helper()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	h.must(cmd.Start)
	h.lab.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

// Rules gives the host's packet filter a file of nft(8).
func (h *Host) Rules(ruleset string) {
	h.lab.t.Helper()
	Need(h.lab.t, "nft")
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(ruleset)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	h.must(cmd.Start)
	if err := cmd.Wait(); err != nil {
		h.lab.t.Fatalf("host %s: nft: %v\n%s", h.Name, err, &out)
	}
}
