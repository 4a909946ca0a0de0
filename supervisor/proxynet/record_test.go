package proxynet

import "testing"

// The orders in which systemd sends what happened, measured with systemd 252.
func TestRecordTellsWhoStoppedTheUnit(t *testing.T) {
	active := snapshot{load: "loaded", active: "active", entered: 10}
	ending := snapshot{load: "loaded", active: "deactivating", entered: 10}
	inactive := snapshot{load: "loaded", active: "inactive", entered: 10, left: 20}
	failed := snapshot{load: "loaded", active: "failed", entered: 10, left: 20}
	never := snapshot{load: "loaded", active: "inactive"}
	type r = *record
	tests := []struct {
		name  string
		do    func(r)
		asked bool
	}{
		{"a stop in full", func(r r) {
			r.announce(7, "stop", false)
			r.update(active)
			r.update(ending)
			r.update(inactive)
			r.remove(7, "done")
		}, true},
		{"a stop that ends as a failure", func(r r) {
			r.announce(7, "stop", false)
			r.update(failed)
			r.remove(7, "done")
		}, true},
		{"a stop that was gone before it could be asked", func(r r) {
			r.announce(7, "", false)
			r.update(ending)
			r.update(inactive)
			r.remove(7, "done")
		}, true},
		{"a death", func(r r) {
			r.update(ending)
			r.update(failed)
		}, false},
		{"a clean exit", func(r r) {
			r.update(ending)
			r.update(inactive)
		}, false},
		{"a stop after a death, while it ends", func(r r) {
			r.update(ending)
			r.announce(7, "stop", false)
			r.update(failed)
			r.remove(7, "done")
		}, true},
		{"a try-restart of a dead unit, gone before it could be asked", func(r r) {
			r.update(ending)
			r.update(failed)
			r.announce(7, "", false)
			r.remove(7, "done")
		}, false},
		{"a start that failed, gone before it could be asked", func(r r) {
			r.announce(7, "", false)
			r.update(failed)
			r.remove(7, "failed")
		}, false},
		{"a restart on its way", func(r r) {
			r.announce(7, "restart", false)
			r.update(ending)
			r.update(inactive)
		}, false},
		{"a restart of which the start fails", func(r r) {
			r.announce(7, "restart", false)
			r.update(inactive)
			r.update(failed)
			r.remove(7, "failed")
		}, false},
		{"a stop, and a start that fails", func(r r) {
			r.announce(7, "stop", false)
			r.update(inactive)
			r.remove(7, "done")
			r.announce(8, "start", false)
			r.update(failed)
			r.remove(8, "failed")
		}, false},
		{"a stop in the place of our restart", func(r r) {
			r.announce(7, "restart", true)
			r.update(ending)
			r.remove(7, "canceled")
			r.announce(8, "stop", false)
			r.update(inactive)
			r.remove(8, "done")
		}, true},
		{"a stop, and a start that succeeds", func(r r) {
			r.announce(7, "stop", false)
			r.update(inactive)
			r.remove(7, "done")
			r.update(active)
		}, false},
		{"inactive after a lost connection", func(r r) { r.reread(inactive) }, true},
		{"failed after a lost connection", func(r r) { r.reread(failed) }, false},
		{"forgotten by systemd after a lost connection", func(r r) { r.reread(never) }, true},
		{"a death before a lost connection", func(r r) {
			r.update(ending)
			r.reread(inactive)
		}, false},
		{"a clean exit, seen again by a reload", func(r r) {
			r.update(inactive)
			r.reread(inactive)
		}, false},
		{"a stop, seen again by a reload", func(r r) {
			r.announce(7, "stop", false)
			r.update(inactive)
			r.remove(7, "done")
			r.reread(inactive)
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRecord()
			r.reread(active)
			tt.do(r)
			if got := r.state().StopAsked; got != tt.asked {
				t.Errorf("StopAsked = %v, want %v", got, tt.asked)
			}
			if r.neverRan() {
				t.Error("a unit that was seen active is said to have never run")
			}
		})
	}
}

func TestRecordAtTheFirstLook(t *testing.T) {
	for _, tt := range []struct {
		name            string
		s               snapshot
		asked, neverRan bool
	}{
		{"never started", snapshot{active: "inactive"}, false, true},
		{"ran and ended clean", snapshot{active: "inactive", entered: 1, left: 2}, true, false},
		{"ran and failed", snapshot{active: "failed", entered: 1, left: 2}, false, false},
		{"failed to start", snapshot{active: "failed", left: 2}, false, false},
		{"active", snapshot{active: "active", entered: 1}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRecord()
			r.reread(tt.s)
			if s := r.state(); s.StopAsked != tt.asked || r.neverRan() != tt.neverRan {
				t.Errorf("StopAsked %v, never ran %v", s.StopAsked, r.neverRan())
			}
		})
	}
}

func TestRecordTellsForeignJobsOnly(t *testing.T) {
	r := newRecord()
	r.reread(snapshot{active: "active"})
	r.announce(1, "restart", true)
	r.announce(2, "nop", false)
	if got := r.state().Job; got != "" {
		t.Errorf("Job = %q", got)
	}
	r.announce(3, "reload", false)
	if got := r.state().Job; got != "reload" {
		t.Errorf("Job = %q", got)
	}
	r.announce(4, "", false)
	if !r.unsure() {
		t.Error("it is sure of a job that it does not know")
	}
}

// Our own stop is not an operator's, on whatever way it is heard of.
func TestRecordKnowsOurOwnStop(t *testing.T) {
	active := snapshot{load: "loaded", active: "active", began: 9, entered: 10}
	inactive := snapshot{load: "loaded", active: "inactive", began: 9, entered: 10, left: 20}
	again := snapshot{load: "loaded", active: "inactive", began: 30, entered: 31, left: 40}
	for name, c := range map[string]struct {
		do    func(*record)
		asked bool
	}{
		"signalled": {func(r *record) {
			r.announce(7, "stop", true)
			r.update(inactive)
			r.remove(7, "done")
		}, false},
		"gone before it could be asked": {func(r *record) {
			r.announce(7, "", true)
			r.update(inactive)
			r.remove(7, "done")
		}, false},
		"while the bus was away": {func(r *record) {
			r.ended = 9
			r.reread(inactive)
		}, false},
		"and then an operator's of the next run, while the bus was away": {func(r *record) {
			r.ended = 9
			r.reread(again)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord()
			r.reread(active)
			c.do(r)
			if r.state().StopAsked != c.asked {
				t.Errorf("StopAsked is %t", !c.asked)
			}
		})
	}
}
