package logbook

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

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
var unwritten = map[string]string{}

func TestEveryReasonHasAnID(t *testing.T) {
	inUse := map[string]bool{}
	for kind := range ids {
		inUse[strings.Fields(kind)[0]] = true
		inUse[kind[strings.LastIndex(kind, " ")+1:]] = true
	}
	s := sources(t)
	if len(s.reasons) < 50 || len(s.noted) < 20 {
		t.Errorf("only %d reasons were found, and %d that are noted", len(s.reasons), len(s.noted))
	}
	for name, word := range s.reasons {
		if !inUse[word] && unwritten[word] == "" {
			missing(t, word, name)
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

// source is what the program's files say of reasons, by package and name: vrrp.ReasonGroup.
type source struct {
	reasons map[string]string // the constants of type vrrp.Reason: their words
	noted   map[string]noted  // those that a note gets
}

type noted struct {
	where  string
	fields []string // that its record has
}

func sources(t *testing.T) source {
	t.Helper()
	s, files := source{map[string]string{}, map[string]noted{}}, token.NewFileSet()
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
	if n.Type == nil || !strings.HasSuffix(name("vrrp", n.Type), ".Reason") {
		return
	}
	for i, v := range n.Values {
		if lit, ok := v.(*ast.BasicLit); ok {
			s.reasons[pkg+"."+n.Names[i].Name], _ = strconv.Unquote(lit.Value)
		}
	}
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
		case pkg != "vrrp" && i == 0:
			fields = []string{Node, Reason, Proxy}
		}
		s.noted[name(pkg, arg)] = noted{where, fields}
	}
}

// name is an identifier with its package.
func name(pkg string, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return pkg + "." + e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return x.Name + "." + e.Sel.Name
		}
	}
	return ""
}

// A line of a story, as in supervisor/sim/testdata.
var (
	transition = regexp.MustCompile(`-> ([A-Z]+) \(([a-z-]+)`)
	note       = regexp.MustCompile(`(?:^| )note ([a-z-]+)`)
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
		all[file] = string(text)
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
