package logbook

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var update = flag.Bool("update", false, "add new kinds to the golden file, and rewrite the others")

const root = "../.."

func TestEveryKindHasAnIDOfItsOwn(t *testing.T) {
	of := map[string]string{}
	for kind, id := range ids {
		if b, err := hex.DecodeString(id); err != nil || len(b) != 16 || strings.ToLower(id) != id {
			t.Errorf("%s: %q is no id: systemd-id128 new gives one", kind, id)
		}
		if of[id] != "" {
			t.Errorf("%s and %s have the same id", kind, of[id])
		}
		of[id] = kind
	}
}

// What people and their alerts look for stays: the golden file only grows.
func TestIDsStayWhatTheyAre(t *testing.T) {
	const file = "testdata/ids.golden"
	old, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	frozen := map[string]string{}
	for line := range strings.Lines(string(old)) {
		id, kind, _ := strings.Cut(strings.TrimSpace(line), " ")
		frozen[kind] = id
		if ids[kind] != id {
			t.Errorf("%q had the id %s and has %q: an id stays, a kind that is no longer written keeps its line", kind, id, ids[kind])
		}
	}
	var text strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(ids)) {
		fmt.Fprintf(&text, "%s %s\n", ids[kind], kind)
		if frozen[kind] == "" && !*update {
			t.Errorf("%q is not in %s: go test ./internal/logbook -update adds it", kind, file)
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// missing says what to do for a kind without an id.
func missing(t *testing.T, kind, why string) {
	t.Helper()
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	t.Errorf("%s: %q has no id. Add to internal/logbook/messageid.go:\n\t%q: %q,\nexplain it in each systemd/pairkeeper*.catalog, and run go test ./internal/logbook -update; or say in unwritten why it is in no record",
		why, kind, kind, hex.EncodeToString(id[:]))
}

// unwritten are the reasons that are in no record, and why.
var unwritten = map[string]string{
	"periodic":      "why a hook runs: it is told by its environment",
	"conflict-over": "the same",
	"address-back":  "the same",

	"holds":              "all is well; status and explain say it",
	"peer-advertises":    "the same",
	"peer-stands-by":     "the addresses are taken, which the transition says",
	"peer-missed":        "the same",
	"voted":              "the same",
	"listens":            "passes by itself; status and explain say it",
	"peer-first":         "the same",
	"peer-uninformed":    "the same",
	"vote-awaited":       "the same",
	"gateway-unsure":     "the same",
	"conflict-unsettled": "the same",

	"maintenance": "of evidence that nothing gathers yet",
	"not-asked":   "the same: the machine asks the network itself",
}

func TestEveryReasonHasAnID(t *testing.T) {
	inUse := map[string]bool{}
	for kind := range ids {
		inUse[strings.Fields(kind)[0]] = true
		inUse[kind[strings.LastIndex(kind, " ")+1:]] = true
	}
	s := sources(t)
	if len(s.reasons) < 120 || len(s.noted) < 40 || len(s.rules) < 30 {
		t.Errorf("only %d reasons were found, %d that are noted, and %d rules", len(s.reasons), len(s.noted), len(s.rules))
	}
	for name, word := range s.reasons {
		if !inUse[word] && unwritten[word] == "" {
			missing(t, word, name)
		}
		if inUse[word] && unwritten[word] == "the same" {
			t.Errorf("%s: %q has an id, and is listed as unwritten", name, word)
		}
	}
	for name, n := range s.noted {
		if word := s.reasons[name]; word != "" && IDOf("", vrrp.Reason(word), "") == "" {
			missing(t, word, n.where)
		}
	}
	for _, refusal := range vrrp.Refusals() {
		if IDOf("", AdvertRefused, refusal) == "" {
			missing(t, string(AdvertRefused)+" "+string(refusal), "a refusal")
		}
	}
}

// Whatever the arbiter may find on the evidence that a node gathers is in a record if an
// operator should know, or if a holder leaves by it.
func TestEveryDecisionThatIsWrittenHasAnID(t *testing.T) {
	found := map[string]bool{}
	for e := range evidence {
		d := fencing.Decide(e)
		if d.Alarm {
			found[string(d.Rule)] = true
		}
		if d.Act == fencing.Release && d.Rule != fencing.RuleIsolated { // which is a fault before
			found["BACKUP "+string(d.Rule)] = true
		}
	}
	for kind := range found {
		if ids[kind] == "" {
			missing(t, kind, "fencing.Decide")
		}
	}
	if len(found) < 8 {
		t.Errorf("only %v", found)
	}
}

// evidence is all that Node.evidence may gather: no vote, no fence, and nobody who answers
// for an address, which the machine finds out itself.
func evidence(yield func(fencing.Evidence) bool) {
	for bits := range 1 << 11 {
		is := func(bit int) bool { return bits>>bit&1 == 1 }
		e := fencing.Evidence{
			Carrier: true, Linked: true, Answer: fencing.Nobody,
			Holding: is(0), Wins: is(1), Adverts: is(2), Silence: is(3), DeafFor: is(4), Conflict: is(5), Worse: is(6), StayIsolated: is(7),
			Peer: fencing.Peer{Hears: is(8), Since: is(9), Missed: is(10)},
		}
		for e.Class = range fencing.Resigned {
			for e.Peer.Class = range fencing.Resigned {
				for e.Hearing = range fencing.BothWay + 1 {
					for e.Peer.Role = range fencing.Holds + 1 {
						for e.Gateway = range fencing.Doubtful + 1 {
							if !yield(e) {
								return
							}
						}
					}
				}
			}
		}
	}
}

// plain are the records without a kind, by their file and text, and why they have none.
var plain = map[string]string{
	`supervisor/proxynet/group.go: text`:                       "the proxy's own words",
	`supervisor/notifynet/hook.go: c.who() + " says: " + line`: "a hook's own words",
}

func TestEveryRecordHasAKind(t *testing.T) {
	s, seen := sources(t), map[string]bool{}
	if len(s.records) < 25 {
		t.Errorf("only %d records were found", len(s.records))
	}
	for _, r := range s.records {
		seen[r.text] = true
		if !r.kind && plain[r.text] == "" {
			t.Errorf("%s: the record has no kind: give it logbook.As, or say in plain why it has none", r.text)
		}
	}
	for text := range plain {
		if !seen[text] {
			t.Errorf("%s is no record any more", text)
		}
	}
}

// source is what the program's files say of reasons, by package and name: vrrp.ReasonGroup.
type source struct {
	reasons map[string]string // the constants of type vrrp.Reason, or which are as good: their words
	rules   map[string]bool   // the words of fencing.Rule
	noted   map[string]noted  // those that a note gets
	records []logged          // what goes to the log
}

type logged struct {
	text string // its file and text
	kind bool   // it has one
}

type noted struct {
	where  string
	fields []string // that its record has
}

func sources(t *testing.T) source {
	t.Helper()
	s, files := source{reasons: map[string]string{}, rules: map[string]bool{}, noted: map[string]noted{}}, token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				s.constants(file.Name.Name, n)
			case *ast.CallExpr:
				s.note(file.Name.Name, n, files.Position(n.Pos()).String())
				s.record(strings.TrimPrefix(path, root+"/"), n)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *source) constants(pkg string, n *ast.ValueSpec) {
	if n.Type == nil {
		return
	}
	of := name(pkg, n.Type)
	if !strings.HasSuffix(of, ".Reason") && of != "fencing.Rule" && of != "fencing.Refusal" {
		return
	}
	for i, v := range n.Values {
		if lit, ok := v.(*ast.BasicLit); ok {
			word, _ := strconv.Unquote(lit.Value)
			s.reasons[pkg+"."+n.Names[i].Name] = word
			if of == "fencing.Rule" {
				s.rules[word] = true
			}
		}
	}
}

// record looks for what goes to a logger.
func (s *source) record(path string, n *ast.CallExpr) {
	f, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) == 0 || !slices.Contains([]string{"Info", "Warn", "Error"}, f.Sel.Name) || !isLogger(f.X) {
		return
	}
	kind := false
	ast.Inspect(n, func(n ast.Node) bool {
		e, ok := n.(*ast.SelectorExpr)
		kind = kind || ok && name("", e) == "logbook.As"
		return !kind
	})
	s.records = append(s.records, logged{path + ": " + types.ExprString(n.Args[0]), kind})
}

// isLogger goes by the name: log, opts.Log, t.logger(…).
func isLogger(e ast.Expr) bool {
	if call, ok := e.(*ast.CallExpr); ok {
		e = call.Fun
	}
	of := name("", e)
	of = strings.ToLower(of[strings.LastIndex(of, ".")+1:])
	return of == "log" || of == "logger"
}

// note looks at the arguments of what notes: the guard's note(ReasonX, …), a router's
// note(name, ReasonX, …), a machine's note(ReasonX, …) and noteOf(from, ReasonX, …).
func (s *source) note(pkg string, n *ast.CallExpr, where string) {
	f, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || !strings.HasPrefix(f.Sel.Name, "note") {
		return
	}
	for i, arg := range n.Args {
		fields := []string{Node, Reason, Router, Interface}
		switch {
		case f.Sel.Name == "noteOf":
			fields = append(fields, Peer)
		case pkg != "vrrp" && i == 0, ofNoRouter(n.Args[0]):
			fields = []string{Node, Reason, Proxy}
		}
		s.noted[name(pkg, arg)] = noted{where, fields}
	}
}

// ofNoRouter tells of the guard of the configuration's note("", ReasonX, …).
func ofNoRouter(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == `""`
}

// name is an identifier with its package; of what a selector selects from, the last one.
func name(pkg string, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return pkg + "." + e.Name
	case *ast.SelectorExpr:
		of := name(pkg, e.X)
		return of[strings.LastIndex(of, ".")+1:] + "." + e.Sel.Name
	}
	return ""
}

// A line of a story, as in supervisor/sim/testdata.
var (
	transition = regexp.MustCompile(`-> ([A-Z]+) \(([a-z-]+)`)
	note       = regexp.MustCompile(`(?:^| )note ([a-z-]+)`)
	moved      = regexp.MustCompile(`(?m)^.* moved .*\n`) // what hooks are told of a transition
)

// stories are what happens in supervisor/sim, by file.
func stories(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(root + "/supervisor/sim/testdata/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = moved.ReplaceAllString(string(text), "")
	}
	return all
}

func TestWhateverHappensInAStoryHasAnID(t *testing.T) {
	for story, text := range stories(t) {
		for _, m := range transition.FindAllStringSubmatch(text, -1) {
			if IDOf(m[1], vrrp.Reason(m[2]), "") == "" {
				missing(t, m[1]+" "+m[2], story)
			}
		}
		for _, m := range note.FindAllStringSubmatch(text, -1) {
			reason := vrrp.Reason(m[1])
			if IDOf("", reason, "") == "" && IDOf("FAULT", reason, "") == "" { // a router in FAULT notes another cause
				missing(t, m[1], story)
			}
		}
	}
}
