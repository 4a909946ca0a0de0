package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

func TestWhatIsOursOutlivesTheDaemon(t *testing.T) {
	f := ownedFile{ownedPath(filepath.Join(t.TempDir(), "control.sock"))}
	if o, err := f.read(); err != nil || !o.Empty() {
		t.Errorf("before anything is ours: %v, %v", o, err)
	}
	want := ipvs.Owned{Services: []ipvs.Key{{Mark: 1}, {Mark: 2, IPv6: true}}, Sync: []ipvs.Role{ipvs.Backup}}
	if err := f.write(want); err != nil {
		t.Fatal(err)
	}
	if got, err := f.read(); err != nil || !got.Equal(want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for range 2 {
		if err := f.write(ipvs.Owned{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(f.path); !os.IsNotExist(err) {
		t.Errorf("the file is left where nothing is ours: %v", err)
	}
}

func TestAListThatCannotBeReadIsNoEmptyOne(t *testing.T) {
	f := ownedFile{filepath.Join(t.TempDir(), "ipvs")}
	if err := os.Mkdir(f.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(); err == nil {
		t.Error("read a directory")
	}
}
