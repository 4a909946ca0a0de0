package probesnet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/words"
	"github.com/pairkeeper/pairkeeper/probes"
)

// processProbe counts the processes of a name.
type processProbe struct {
	cfg   probes.Process
	args  *regexp.Regexp // nil: any
	table *processTable
}

func newProcessProbe(c probes.Process, table *processTable) (*processProbe, error) {
	p := &processProbe{cfg: c, table: table}
	if c.Args == "" {
		return p, nil
	}
	args, err := newText(probes.Text{Regexp: c.Args})
	p.args = args.regexp
	return p, err
}

func (p *processProbe) look(context.Context) Result {
	all, err := p.table.read()
	if err != nil {
		return Result{Detail: p.cfg.Name + ": " + err.Error()}
	}
	n := 0
	for i := range all {
		if p.matches(&all[i]) {
			n++
		}
	}
	r := Result{Answered: true, OK: n >= p.cfg.Min && (p.cfg.Max == 0 || n <= p.cfg.Max)}
	r.Detail = fmt.Sprintf("%s: %d running", p.cfg.Name, n)
	if !r.OK {
		r.Detail += ", want " + p.wanted()
		if hidden := p.table.hidden(); hidden != "" && n < p.cfg.Min {
			r.Detail += " (" + hidden + ")"
		}
	}
	return r
}

func (p *processProbe) wanted() string {
	switch p.cfg.Max {
	case 0:
		return fmt.Sprintf("%d or more", p.cfg.Min)
	case p.cfg.Min:
		return strconv.Itoa(p.cfg.Min)
	}
	return fmt.Sprintf("%d to %d", p.cfg.Min, p.cfg.Max)
}

func (p *processProbe) matches(one *process) bool {
	if one.comm != p.cfg.Name && path.Base(one.program()) != p.cfg.Name {
		return false
	}
	return p.args == nil || p.args.Match(one.line())
}

// process is a process that is neither a zombie nor ending.
type process struct {
	comm string // its name: 15 bytes at the most
	args []byte // each ends with NUL; a kernel thread has none
}

// program is what the process was called with. Some change that, as nginx does: "nginx:
// worker process".
func (p *process) program() string {
	first, _, _ := bytes.Cut(p.args, []byte{0})
	return string(first)
}

// line is the command line.
func (p *process) line() []byte {
	return bytes.ReplaceAll(bytes.TrimRight(p.args, "\x00"), []byte{0}, []byte{' '})
}

// processTable reads /proc once for all probes that look at about the same time.
type processTable struct {
	proc string

	mu  sync.Mutex
	at  time.Time
	all []process
}

// fresh is how old a reading may be.
const fresh = 100 * time.Millisecond

func (t *processTable) read() ([]process, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.at) < fresh {
		return t.all, nil
	}
	dir, err := os.Open(t.proc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.proc, words.Bare(err))
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.proc, words.Bare(err))
	}
	var all []process
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if p, ok := readProcess(t.proc + "/" + name); ok {
			all = append(all, p)
		}
	}
	t.all, t.at = all, time.Now()
	return all, nil
}

// maxArgs is how much of a command line is looked at.
const maxArgs = 4 << 10

// readProcess reads one process, if it is still there.
func readProcess(dir string) (process, bool) {
	stat, err := readProc(dir+"/stat", 512)
	if err != nil {
		return process{}, false
	}
	// pid (comm) state …, where comm may have any byte.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndex(stat, []byte(") "))
	if open < 0 || end < open || len(stat) < end+3 {
		return process{}, false
	}
	if state := stat[end+2]; state == 'Z' || state == 'X' {
		return process{}, false
	}
	args, err := readProc(dir+"/cmdline", maxArgs)
	if err != nil {
		return process{}, false
	}
	return process{comm: string(stat[open+1 : end]), args: args}, true
}

// readProc reads the beginning of a file of /proc with one call.
func readProc(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, limit)
	n, _ := f.Read(buf) // nothing is read of a kernel thread's command line
	return buf[:n], nil
}

// hidden says why processes of others are not seen (hidepid= in proc(5)).
func (t *processTable) hidden() string {
	mounts, err := readFile(t.proc+"/self/mountinfo", 1<<20)
	if err != nil {
		return ""
	}
	last := ""
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[4] != t.proc {
			continue
		}
		last = ""
		for _, option := range strings.Split(f[5]+","+f[len(f)-1], ",") {
			if how, ok := strings.CutPrefix(option, "hidepid="); ok && how != "0" && how != "off" {
				last = "/proc hides the processes of other users: " + option + ", or ProtectProc= of the service"
			}
		}
	}
	return last
}
