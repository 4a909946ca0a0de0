package daemon

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// What an operator wants lasts over a restart: until its time is over on the wall clock, and
// never for longer than was given.
func TestModesAreKeptForTheNextDaemon(t *testing.T) {
	f := modeFile{path: filepath.Join(t.TempDir(), "state", "modes.json")}
	begun := now()
	f.set(supervisor.KeepModes{Modes: []supervisor.ModeView{
		{Mode: supervisor.Maintenance, Since: begun, Until: begun.Add(time.Hour), Reason: "disks"},
		{Mode: supervisor.Freeze, Since: begun},
	}})
	if err := f.write(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		later, least, most time.Duration // most 0: it is over
	}{
		"soon":                   {time.Minute, 58 * time.Minute, time.Hour},
		"the clock was set back": {-100 * time.Hour, time.Hour, time.Hour},
		"too late":               {2 * time.Hour, 0, 0},
	} {
		list, err := (&modeFile{path: f.path}).read(time.Now().Add(c.later))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(m supervisor.SetMode) bool { return m.Mode == supervisor.Maintenance })
		if (i >= 0) != (c.most > 0) || i >= 0 && (list[i].Lasts < c.least || list[i].Lasts > c.most || list[i].Reason != "disks" || !list[i].On) {
			t.Errorf("%s: %+v", name, list)
		}
		if j := slices.IndexFunc(list, func(m supervisor.SetMode) bool { return m.Mode == supervisor.Freeze }); j < 0 || list[j].Lasts != 0 {
			t.Errorf("%s: no freeze without an end in %+v", name, list)
		}
	}
	f.set(supervisor.KeepModes{})
	if err := f.write(); err != nil {
		t.Fatal(err)
	}
	if list, err := f.read(time.Now()); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := (&modeFile{}).write(); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("%v", err)
	}
}
