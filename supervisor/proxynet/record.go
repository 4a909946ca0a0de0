package proxynet

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// record is what has been heard of a unit: its state, its jobs, and from these whose
// stop ended it. It does no I/O.
type record struct {
	seen  snapshot
	known bool
	ran   bool // it was seen alive, which systemd forgets when it unloads the unit
	jobs  map[uint32]job
	ended uint64 // the run that we last asked to stop, by when it began; 0: none

	loaded    uint64 // when it last began to read its configuration; 0: not known
	reloading uint64 // since when it reloads; 0: it does not

	asked bool // the last way out of active was a stop that somebody else asked for
}

// snapshot is one look at the unit's properties.
type snapshot struct {
	load, active, sub, result string
	mainPID                   int
	exit                      string
	began, entered, left      uint64 // monotonic time stamps: no more inactive, active, inactive again; 0: never
	changed                   uint64 // of the last change of state
	started                   uint64 // of the start of the main process
	reload                    reload
}

// job is a job of the unit that has not ended.
type job struct {
	kind string // start, stop, restart, reload …; empty: it was gone before it could be asked
	ours bool
	live bool // the unit was alive when the job was announced
}

func newRecord() *record { return &record{jobs: map[uint32]job{}} }

// alive tells whether the unit runs or is about to.
func (s *snapshot) alive() bool {
	switch s.active {
	case "active", "reloading", "refreshing", "activating", "maintenance":
		return true
	}
	return false
}

// atRest tells that nothing runs and nothing is under way.
func (s *snapshot) atRest() bool { return s.active == "inactive" || s.active == "failed" }

// neverRan tells that the unit neither ran nor tried to since the host booted.
func (r *record) neverRan() bool { return !r.ran && r.seen.entered == 0 && r.seen.left == 0 }

// announce notes a job. An order to start makes an earlier stop history.
func (r *record) announce(id uint32, kind string, ours bool) {
	if _, known := r.jobs[id]; known {
		return
	}
	r.jobs[id] = job{kind: kind, ours: ours, live: r.seen.alive()}
	if starts(kind) {
		r.asked = false
	}
	r.settle()
}

// remove notes how a job ended. A job of unknown kind under which a unit that was
// alive came to rest, and which is "done", was a stop: a start or a reload that is
// done leaves the unit active, and one that is not done is no success.
func (r *record) remove(id uint32, result string) {
	j, known := r.jobs[id]
	delete(r.jobs, id)
	if known && !j.ours && j.kind == "" && j.live && result == "done" && r.seen.atRest() {
		r.asked = true
	}
}

// update notes a change that systemd signalled. It names the unit's pending job, which
// must have been announced before.
func (r *record) update(s snapshot) {
	r.load(s)
	r.seen, r.known = s, true
	r.settle()
}

// reread notes a state that was asked for, after which nothing is on its way any
// more. Where it differs from what was signalled (at the start, after a lost
// connection), nobody saw who ended the unit: a clean end is taken for an operator's,
// unless we had asked that very run to stop.
func (r *record) reread(s snapshot) {
	unseen := !r.known || s.active != r.seen.active || s.atRest() && s.left != r.seen.left
	wasEnding := r.known && r.seen.active == "deactivating"
	r.load(s)
	r.seen, r.known = s, true
	if unseen && s.atRest() && !wasEnding {
		r.asked = s.active == "inactive" && !r.neverRan() && (r.ended == 0 || s.began != r.ended)
	}
	r.settle()
}

func (r *record) settle() {
	r.ran = r.ran || r.seen.alive()
	switch {
	case r.seen.alive():
		r.asked = false
	case r.stopping():
		r.asked = true
	}
}

// stopping tells that somebody's stop job is under way.
func (r *record) stopping() bool {
	for _, j := range r.jobs {
		if j.kind == "stop" && !j.ours {
			return true
		}
	}
	return false
}

// unsure tells that a job is under way of which only the end will tell what it was.
func (r *record) unsure() bool {
	for _, j := range r.jobs {
		if j.kind == "" {
			return true
		}
	}
	return false
}

// state is the record in the supervisor's words.
func (r *record) state() supervisor.UnitState {
	return supervisor.UnitState{
		Load: r.seen.load, Active: r.seen.active, Sub: r.seen.sub, Result: r.seen.result,
		MainPID: r.seen.mainPID, Exit: r.seen.exit,
		Job: r.foreignJob(), StopAsked: r.asked, Loaded: time.Duration(r.loaded) * time.Microsecond,
	}
}

// foreignJob is the kind of the job that somebody else asked for; at most one of a
// unit's jobs is more than a "nop".
func (r *record) foreignJob() string {
	for _, j := range r.jobs {
		if !j.ours && j.kind != "" && j.kind != "nop" {
			return j.kind
		}
	}
	return ""
}

// starts tells whether a job of this kind wants the unit to run.
func starts(kind string) bool {
	return kind == "start" || kind == "restart" || kind == "try-restart"
}
