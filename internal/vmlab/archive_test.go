//go:build linux

package vmlab

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestCpioUnpacksWhatWasPacked(t *testing.T) {
	busybox, err := find("busybox")
	if err != nil {
		netlab.Lacking(t, "needs busybox, whose cpio unpacks: "+err.Error())
	}
	source := t.TempDir()
	want := map[string]string{}
	for n := range 9 { // every length modulo four, of name and content
		name := "deep/er/" + strings.Repeat("n", n+1)
		want["files/"+name] = strings.Repeat("x", n)
		path := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want["files/"+name]), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	a := newArchive(&out)
	a.tree("/files", source)
	a.text("/etc/hosts", "127.0.0.1 localhost\n")
	a.text("/etc/hosts", "of two the first counts")
	a.link("/var/hosts", "../etc/hosts")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if out.Len()%4 != 0 {
		t.Errorf("%d bytes: another archive could not follow", out.Len())
	}
	want["etc/hosts"], want["var/hosts"] = "127.0.0.1 localhost\n", "127.0.0.1 localhost\n"

	dir := t.TempDir()
	cmd := exec.Command(busybox, "cpio", "-idm")
	cmd.Dir, cmd.Stdin = dir, &out
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cpio: %v\n%s", err, said)
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != content {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "files/deep/er/n")); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "var/hosts")); err != nil || target != "../etc/hosts" {
		t.Errorf("link to %q, %v", target, err)
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	for _, from := range []string{"/nonexistent/file", "/dev/null"} {
		a := newArchive(new(bytes.Buffer))
		a.copy("/x", from)
		if err := a.close(); err == nil || !strings.Contains(err.Error(), from) {
			t.Errorf("%s: %v", from, err)
		}
	}
}
