package ipvs

import "slices"

// scheduler is one that Linux has, and what its flags are called.
type scheduler struct {
	name  string
	flags []string // of SchedulerFlag1 and those after it
}

// schedulers are those of Linux. Each is a module of its own, ip_vs_NAME.
var schedulers = []scheduler{
	{"rr", nil}, {"wrr", nil}, {"lc", nil}, {"wlc", nil}, {"lblc", nil}, {"lblcr", nil},
	{"dh", nil}, {"sh", []string{"sh-fallback", "sh-port"}}, {"mh", []string{"mh-fallback", "mh-port"}},
	{"sed", nil}, {"nq", nil}, {"fo", nil}, {"ovf", nil}, {"twos", nil},
}

// Schedulers are the names of all schedulers.
func Schedulers() []string {
	names := make([]string, len(schedulers))
	for i, s := range schedulers {
		names[i] = s.name
	}
	return names
}

// FlagsOf are the names of a scheduler's own flags; the first one is SchedulerFlag1.
func FlagsOf(name string) []string {
	i := slices.IndexFunc(schedulers, func(s scheduler) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return schedulers[i].flags
}

// SchedulerFlags are the names of the flags of a scheduler that are set.
func SchedulerFlags(name string, flags Flags) []string {
	known := FlagsOf(name)
	var set []string
	for i, word := range []string{"flag-1", "flag-2", "flag-3"} {
		if flags&(SchedulerFlag1<<i) == 0 {
			continue
		}
		if i < len(known) {
			word = known[i]
		}
		set = append(set, word)
	}
	return set
}
