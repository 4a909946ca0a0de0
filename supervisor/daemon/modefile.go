package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// modesName is what the file of modes is called.
const modesName = "modes.json"

// modeFile keeps the modes that an operator has put this node into, for the next daemon. Ends
// are on the wall clock there.
type modeFile struct {
	path string // empty: there is none
	mu   sync.Mutex
	want []keptMode
}

// keptMode is one of them.
type keptMode struct {
	Mode   string        `json:"mode"`
	Since  time.Time     `json:"since"`
	Until  time.Time     `json:"until,omitzero"`
	Lasts  time.Duration `json:"lasts,omitempty"` // as it was given, in nanoseconds
	Reason string        `json:"reason,omitempty"`
}

// set takes what is to be kept. It is called on the loop's thread, and does not write.
func (f *modeFile) set(a supervisor.KeepModes) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.want = nil
	for _, m := range a.Modes {
		k := keptMode{Mode: m.Mode.String(), Since: when(m.Since), Until: when(m.Until), Reason: m.Reason}
		if !m.Until.IsZero() {
			k.Lasts = m.Until.Sub(m.Since)
		}
		f.want = append(f.want, k)
	}
}

// write replaces the file as a whole by what was set last.
func (f *modeFile) write() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return errors.New("there is no folder to keep it in")
	}
	if len(f.want) == 0 {
		if err := os.Remove(f.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.MarshalIndent(f.want, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(f.path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(f.path+".new", f.path)
}

// read returns what the daemon before was in, as of now. A clock that was set back makes
// nothing last for longer than it was given.
func (f *modeFile) read(now time.Time) (list []supervisor.SetMode, err error) {
	text, err := os.ReadFile(f.path)
	if f.path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var kept []keptMode
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: remove it, and set the mode again", f.path, err)
	}
	for _, k := range kept {
		ev := supervisor.SetMode{On: true, Reason: k.Reason, Kept: true}
		var known bool
		if ev.Mode, known = supervisor.ModeOf(k.Mode); !known {
			return nil, fmt.Errorf("%s: there is no mode %q: remove the file, and set the mode again", f.path, k.Mode)
		}
		if !k.Until.IsZero() {
			if ev.Lasts = min(k.Until.Sub(now), k.Lasts); ev.Lasts <= 0 {
				continue
			}
		}
		list = append(list, ev)
	}
	return list, nil
}
