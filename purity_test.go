package pairkeeper_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pairkeeper/pairkeeper/"

// The deciding packages: events go in, actions come out. Each may import what is
// allowed to all of them and its own list; a package that is not there yet is no fault.
var deciding = map[string][]string{
	"vrrp":       nil,
	"probes":     nil,
	"fencing":    nil,
	"ipvs":       nil,
	"supervisor": {module + "vrrp", module + "probes", module + "fencing", module + "ipvs"},
}

// allowed is what every deciding package may import, and why it can do no harm.
var allowed = map[string]string{
	"bytes":           "values",
	"cmp":             "values",
	"container/heap":  "values",
	"crypto/hmac":     "a function of its input",
	"crypto/md5":      "a function of its input; VRRPv2's authentication header has nothing else",
	"crypto/sha256":   "a function of its input",
	"crypto/subtle":   "a function of its input",
	"embed":           "fixed at build time",
	"encoding/binary": "a function of its input",
	"encoding/hex":    "a function of its input",
	"errors":          "values",
	"fmt":             "for its Sprint family; see calls for the ones that write",
	"hash/crc32":      "a function of its input",
	"iter":            "values",
	"maps":            "values; iterating over a map in state is left to review",
	"math":            "a function of its input",
	"math/bits":       "a function of its input",
	"net/netip":       "addresses are values; it opens nothing",
	"path":            "a function of its input; path/filepath asks the host",
	"reflect":         "for DeepEqual of configurations",
	"slices":          "values",
	"sort":            "values",
	"strconv":         "values",
	"strings":         "values",
	"time":            "for Time and Duration; see calls for what reads the clock",
	"unicode":         "values",
	"unicode/utf8":    "values",
}

// forbidden is what people reach for, and why it has no place here; whatever is in
// neither list is forbidden too.
var forbidden = map[string]string{
	"C":           "the outside world",
	"context":     "nothing here waits, so that nothing can be cancelled",
	"crypto/rand": "entropy arrives in events, else a trace cannot be replayed",
	"io":          "a decider neither reads nor writes",
	"log":         "a decider answers with actions; the shell logs them",
	"log/slog":    "a decider answers with actions; the shell logs them",
	"math/rand":   "entropy arrives in events, else a trace cannot be replayed",
	"net":         "opens sockets and resolves names: a …net package does that",
	"net/http":    "opens sockets: probesnet does that",
	"os":          "files, environment, processes: the shell does that",
	"os/exec":     "starts processes: the shell does that",
	"os/signal":   "signals are events of the daemon",
	"runtime":     "no decision may depend on the machine it runs on",
	"sync":        "one goroutine steps a machine, there is nothing to guard",
	"sync/atomic": "one goroutine steps a machine, there is nothing to guard",
	"syscall":     "the kernel: a …net package talks to it",
	"unsafe":      "values only",
}

// calls that an allowed package offers but a decider must not make.
var calls = map[string]string{
	"time.Now": readsClock, "time.Since": readsClock, "time.Until": readsClock,
	"time.After": startsTimer, "time.AfterFunc": startsTimer, "time.NewTimer": startsTimer,
	"time.NewTicker": startsTimer, "time.Tick": startsTimer, "time.Sleep": startsTimer,
	"time.LoadLocation": "reads files", "time.Local": "depends on the machine it runs on",
	"fmt.Print": writes, "fmt.Printf": writes, "fmt.Println": writes,
	"fmt.Scan": reads, "fmt.Scanf": reads, "fmt.Scanln": reads,
}

const (
	readsClock  = "the time arrives with the event"
	startsTimer = "a timer is a field, told by Deadline"
	writes      = "a decider answers with actions; the shell writes"
	reads       = "what is read arrives in events"
)

func TestTheDecidingPackagesDecideAndDoNothing(t *testing.T) {
	seen := 0
	for _, dir := range slices.Sorted(keys(deciding)) {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			for _, fault := range impurities(dir, name, string(src)) {
				t.Error(fault)
			}
		}
	}
	if seen == 0 {
		t.Fatal("no file of a deciding package was found: is this the root of the module?")
	}
}

// Imports go down only: a …net package must not reach around its decider to another's.
func TestDecidersAndTheirChildrenImportDownwardsOnly(t *testing.T) {
	for dir := range deciding {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return ignoreMissing(err)
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, fault := range upwards(path, string(src)) {
				t.Error(fault)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// helpers are what every …net package may use: they know no domain.
var helpers = []string{"internal/dialer", "internal/netlab", "internal/program", "internal/realtime", "internal/sdbus", "internal/words"}

// upwards finds imports of cmd, of supervisor from below it, and of a sibling's child.
func upwards(path, src string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
	if err != nil {
		return []string{err.Error()}
	}
	domain, _, _ := strings.Cut(filepath.ToSlash(path), "/")
	var out []string
	for _, spec := range f.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		inner, ours := strings.CutPrefix(p, module)
		if !ours || domain == "supervisor" && !strings.HasPrefix(inner, "cmd/") {
			continue
		}
		if inner != domain && !strings.HasPrefix(inner, domain+"/") && !slices.Contains(helpers, inner) {
			out = append(out, fmt.Sprintf("%s imports %s: imports go down only, cmd -> supervisor/daemon -> …net -> its decider", path, inner))
		}
	}
	return out
}

// impurities parses one file of a deciding package and tells what it may not have.
func impurities(dir, name, src string) []string {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, src, parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	p := &purity{files: files, dir: dir, packages: map[string]string{}}
	for _, spec := range f.Imports {
		p.imports(spec)
	}
	ast.Inspect(f, p.visit)
	return p.faults
}

type purity struct {
	files    *token.FileSet
	dir      string
	packages map[string]string // by the name the file uses
	faults   []string
}

func (p *purity) fault(at ast.Node, format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf("%s: ", p.files.Position(at.Pos()))+fmt.Sprintf(format, args...))
}

func (p *purity) imports(spec *ast.ImportSpec) {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		p.fault(spec, "import %s: %v", spec.Path.Value, err)
		return
	}
	local := path[strings.LastIndex(path, "/")+1:]
	if spec.Name != nil {
		local = spec.Name.Name
	}
	p.packages[local] = path
	switch {
	case local == ".":
		p.fault(spec, "%s is imported with a dot, which hides what is called", path)
	case slices.Contains(deciding[p.dir], path), allowed[path] != "":
	case forbidden[path] != "":
		p.fault(spec, "%s must not import %s: %s", p.dir, path, forbidden[path])
	default:
		p.fault(spec, "%s must not import %s: it is not on the list of what a decider needs; add it to purity_test.go with the reason", p.dir, path)
	}
}

func (p *purity) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		p.fault(n, "starts a goroutine: a machine is stepped by one")
	case *ast.ChanType:
		p.fault(n, "has a channel: events go in, actions come out")
	case *ast.SendStmt:
		p.fault(n, "sends on a channel: events go in, actions come out")
	case *ast.SelectStmt:
		p.fault(n, "selects: nothing here waits")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			p.fault(n, "receives from a channel: events go in, actions come out")
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok {
			name := p.packages[x.Name] + "." + n.Sel.Name
			if why := calls[name]; why != "" {
				p.fault(n, "uses %s: %s", name, why)
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") {
			p.fault(n, "calls %s: %s", f.Name, writes)
		}
	}
	return true
}

// The checker itself: each planted violation is found, and nothing else.
func TestThePurityCheckerFindsWhatIsPlanted(t *testing.T) {
	for _, tc := range []struct{ name, dir, src, want string }{
		{"clean", "vrrp", `import ("fmt"; "net/netip"; "time")
			type now struct{ Now time.Time }
			func f(n now, a netip.Addr) string { return fmt.Sprint(n.Now.Add(time.Second), a) }`, ""},
		{"a method that is called like a function of time", "vrrp", `import "time"
			func f(t time.Time) bool { return t.After(t) }`, ""},
		{"supervisor imports deciders", "supervisor", `import (_ "` + module + `vrrp"; _ "` + module + `probes")`, ""},
		{"net", "vrrp", `import _ "net"`, "net: opens sockets"},
		{"os", "probes", `import _ "os"`, "os: files, environment"},
		{"log/slog", "supervisor", `import _ "log/slog"`, "the shell logs them"},
		{"syscall", "ipvs", `import _ "syscall"`, "the kernel"},
		{"random", "fencing", `import _ "math/rand"`, "entropy arrives in events"},
		{"on no list", "vrrp", `import _ "archive/tar"`, "not on the list"},
		{"other modules", "vrrp", `import _ "golang.org/x/sys/unix"`, "not on the list"},
		{"one decider imports another", "vrrp", `import _ "` + module + `probes"`, "not on the list"},
		{"the shell", "supervisor", `import _ "` + module + `vrrp/vrrpnet"`, "not on the list"},
		{"dot", "vrrp", `import . "time"`, "hides what is called"},
		{"now", "vrrp", `import "time"; var t = time.Now()`, "time.Now: the time arrives"},
		{"now under another name", "vrrp", `import clock "time"; var t = clock.Now()`, "time.Now: the time arrives"},
		{"now as a value", "vrrp", `import "time"; var now = time.Now`, "time.Now: the time arrives"},
		{"since", "vrrp", `import "time"; func f(t time.Time) time.Duration { return time.Since(t) }`, "time.Since"},
		{"until", "vrrp", `import "time"; func f(t time.Time) time.Duration { return time.Until(t) }`, "time.Until"},
		{"sleep", "vrrp", `import "time"; func f() { time.Sleep(1) }`, "time.Sleep: a timer is a field"},
		{"after func", "vrrp", `import "time"; func f() { time.AfterFunc(1, f) }`, "time.AfterFunc"},
		{"timer", "vrrp", `import "time"; var t = time.NewTimer(1)`, "time.NewTimer"},
		{"ticker", "vrrp", `import "time"; var t = time.NewTicker(1)`, "time.NewTicker"},
		{"tick", "vrrp", `import "time"; var t = time.Tick(1)`, "time.Tick"},
		{"after", "vrrp", `import "time"; var t = time.After(1)`, "time.After"},
		{"goroutine", "vrrp", `func f() { go f() }`, "goroutine"},
		{"channel", "vrrp", `type c chan int`, "has a channel"},
		{"send", "vrrp", `func f[C any](c C) { c <- 1 }`, "sends on a channel"},
		{"receive", "vrrp", `func f[C any](c C) { <-c }`, "receives from a channel"},
		{"select", "vrrp", `func f() { select {} }`, "selects"},
		{"print", "vrrp", `import "fmt"; func f() { fmt.Println() }`, "the shell writes"},
		{"println", "vrrp", `func f() { println() }`, "the shell writes"},
		{"no Go", "vrrp", `func`, "planted.go"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := impurities(tc.dir, "planted.go", "package planted\n"+tc.src)
			switch {
			case tc.want == "" && len(got) > 0:
				t.Errorf("found %q in a clean file", got)
			case tc.want != "" && (len(got) != 1 || !strings.Contains(got[0], tc.want)):
				t.Errorf("found %q, want one fault with %q", got, tc.want)
			}
		})
	}
}

func TestTheDirectionCheckerFindsWhatIsPlanted(t *testing.T) {
	for _, tc := range []struct {
		path, imports string
		fault         bool
	}{
		{"vrrp/vrrpnet/socket.go", "vrrp", false},
		{"supervisor/daemon/loop.go", "vrrp/vrrpnet", false},
		{"supervisor/sim/sim.go", "supervisor", false},
		{"vrrp/vrrpnet/socket.go", "supervisor", true},
		{"vrrp/vrrpnet/socket.go", "probes", true},
		{"probes/probesnet/http.go", "vrrp/vrrpnet", true},
		{"vrrp/vrrpnet/socket.go", "vrrpother", true},
		{"supervisor/daemon/loop.go", "cmd/pairkeeper", true},
	} {
		got := upwards(tc.path, "package planted\nimport _ \""+module+tc.imports+"\"")
		if (len(got) > 0) != tc.fault {
			t.Errorf("%s imports %s: found %q, want a fault: %v", tc.path, tc.imports, got, tc.fault)
		}
	}
}

func TestNothingIsBothAllowedAndForbidden(t *testing.T) {
	for path := range allowed {
		if forbidden[path] != "" {
			t.Errorf("%s is allowed and forbidden", path)
		}
	}
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
