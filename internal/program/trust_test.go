package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestASymbolicLinkOfAnotherUserIsNotFollowed(t *testing.T) {
	netlab.Need(t) // root
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(script(t, "exit 0"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(link, 65534, 0); err != nil {
		t.Fatal(err)
	}
	if err := Executable(link); err == nil || !strings.HasPrefix(err.Error(), link+" belongs to user 65534") {
		t.Fatal(err)
	}
	round := filepath.Join(t.TempDir(), "round")
	if err := os.Symlink(round, round); err != nil {
		t.Fatal(err)
	}
	if err := Executable(round); err == nil || !strings.HasSuffix(err.Error(), "too many symbolic links") {
		t.Fatal(err)
	}
	relative := filepath.Join(t.TempDir(), "relative")
	if err := os.Symlink("../../../../../../../bin/true", relative); err != nil {
		t.Fatal(err)
	}
	if err := Executable(relative); err != nil {
		t.Error(err)
	}
}
