package daemon

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
)

// processPage is what the process costs, by the names that every exporter has for it.
func processPage(p *exposition.Page, started time.Time) {
	p.Family(exposition.Gauge, "process_start_time_seconds", "When the daemon began.")
	p.Add(exposition.Seconds(started))
	p.Family(exposition.Gauge, "process_resident_memory_bytes", "Memory that is in use.")
	if bytes, ok := resident(); ok {
		p.Add(bytes)
	}
	p.Family(exposition.Counter, "process_cpu_seconds_total", "Processor time.")
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil {
		p.Add(time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds())
	}
	p.Family(exposition.Gauge, "go_goroutines", "Goroutines.")
	p.Add(float64(runtime.NumGoroutine()))
}

// resident is the second field of statm, in pages.
func resident() (bytes float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.Atoi(fields[1])
	return float64(pages * os.Getpagesize()), err == nil
}
