package daemon

import (
	"errors"
	"io/fs"
	"os"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// ownedFile names what is ours in the kernel's IPVS. It outlives the daemon, so that the next
// one, or cleanup, knows what the dead one has left.
type ownedFile struct{ path string } // empty: there is none

// ownedPath is where the daemon of a control socket has the file.
func ownedPath(socket string) string { return beside(socket, "ipvs") }

func (f ownedFile) read() (ipvs.Owned, error) {
	text, err := os.ReadFile(f.path)
	if f.path == "" || errors.Is(err, fs.ErrNotExist) {
		return ipvs.Owned{}, nil
	}
	if err != nil {
		return ipvs.Owned{}, err
	}
	return ipvs.ParseOwned(string(text))
}

// write replaces the file as a whole.
func (f ownedFile) write(o ipvs.Owned) error {
	if f.path == "" {
		return nil
	}
	if o.Empty() {
		if err := os.Remove(f.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.WriteFile(f.path+".new", []byte(o.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(f.path+".new", f.path)
}
