package fencing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The mutants of the table: for each condition of decide.go that it is negated, or that one of
// its parts is left out, for each decision another act, and an alarm more or less. Each has to
// be found by the tests of this package, or by the fault matrix. One build has them all; a
// variable of the environment chooses.

// mutantVariable chooses the mutant of an instrumented build.
const mutantVariable = "PAIRKEEPER_MUTANT"

// mutantHead is added to the instrumented table.
const mutantHead = `
var planted, _ = strconv.Atoi(os.Getenv("` + mutantVariable + `"))

func mutant(n int) bool { return n == planted }

func instead[T any](n int, is, other T) T {
	if n == planted {
		return other
	}
	return is
}
`

// excused are mutants that change nothing, with the reason: by what they are, without the line.
var excused = map[string]string{
	"e.Holding is left out of e.Answer == ByPeer && e.Holding":                                           "only a holder asks it",
	"e.Fence == Fenced is left out of e.Vote == Granted || e.Fence == Fenced":                            "a fence that worked is decided before",
	"e.Fence != Fenced is left out of e.Prefer == Consistency && r == RulePeerSick && e.Fence != Fenced": "a fence that worked is decided before",
}

// TestEveryMutantOfTheTableDies takes some 20 s; -short leaves it out.
func TestEveryMutantOfTheTableDies(t *testing.T) {
	if testing.Short() || os.Getenv(mutantVariable) != "" {
		return
	}
	source, err := os.ReadFile("decide.go")
	if err != nil {
		t.Fatal(err)
	}
	m := instrument(t, source)
	dir := t.TempDir()
	overlay := m.write(t, dir)
	table := build(t, dir, overlay, "table", ".")
	matrix := build(t, dir, overlay, "matrix", "../supervisor/sim")
	for dir, program := range map[string]string{"": table, "../supervisor/sim": matrix} {
		if out, died := run(program, dir, 0); died {
			t.Fatalf("it fails without a bug\n%s", out)
		}
	}
	survivors := m.survivors(func(n int) bool {
		_, died := run(table, "", n)
		return died
	})
	t.Logf("%d mutants, %d of them found by the table's tests", len(m.list), len(m.list)-len(survivors))
	for _, n := range survivors {
		what := m.list[n-1]
		if excused[what.text] != "" {
			continue
		}
		if _, died := run(matrix, "../supervisor/sim", n); !died {
			t.Errorf("decide.go:%d: nobody notices that %s", what.line, what.text)
		}
	}
}

// planting is the table with all mutants in it.
type planting struct {
	fset    *token.FileSet
	source  []byte
	inserts []insert
	list    []bug
}

type insert struct {
	at   int
	text string
}

type bug struct {
	line int
	text string
}

// instrument plants the mutants.
func instrument(t *testing.T, source []byte) *planting {
	m := &planting{fset: token.NewFileSet(), source: source}
	file, err := parser.ParseFile(m.fset, "decide.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, c := range n.Body.List {
					for _, e := range c.(*ast.CaseClause).List {
						m.condition(e)
					}
				}
			}
		case *ast.IfStmt:
			m.condition(n.Cond)
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				m.parts(n)
			}
		case *ast.CompositeLit:
			if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Decision" && len(n.Elts) > 0 {
				m.decision(n)
			}
		}
		return true
	})
	slices.SortStableFunc(m.inserts, func(a, b insert) int { return a.at - b.at })
	return m
}

// plant notes a mutant and returns its number.
func (m *planting) plant(n ast.Node, format string, args ...any) int {
	m.list = append(m.list, bug{m.fset.Position(n.Pos()).Line, fmt.Sprintf(format, args...)})
	return len(m.list)
}

func (m *planting) text(n ast.Node) string {
	return string(m.source[m.fset.Position(n.Pos()).Offset:m.fset.Position(n.End()).Offset])
}

// wrap puts a text before and after an expression. Of what ends at one place, what is inside
// ends first.
func (m *planting) wrap(n ast.Node, before, after string) {
	m.inserts = append(m.inserts, insert{m.fset.Position(n.Pos()).Offset, before})
	end := m.fset.Position(n.End()).Offset
	at := slices.IndexFunc(m.inserts, func(i insert) bool { return i.at == end })
	if at < 0 {
		at = len(m.inserts)
	}
	m.inserts = slices.Insert(m.inserts, at, insert{end, after})
}

func (m *planting) condition(e ast.Expr) {
	n := m.plant(e, "%s is negated", m.text(e))
	m.wrap(e, "((", fmt.Sprintf(") != mutant(%d))", n))
}

func (m *planting) parts(e *ast.BinaryExpr) {
	for _, part := range []ast.Expr{e.X, e.Y} {
		n := m.plant(part, "%s is left out of %s", m.text(part), m.text(e))
		if e.Op == token.LAND {
			m.wrap(part, fmt.Sprintf("(mutant(%d) || ", n), ")")
		} else {
			m.wrap(part, fmt.Sprintf("(!mutant(%d) && ", n), ")")
		}
	}
}

// others is what an act may be taken for.
var others = map[string]string{"Keep": "Release", "Release": "Keep", "Stay": "Take", "Take": "Stay", "Ask": "Stay", "Probe": "Take", "Shoot": "Take"}

func (m *planting) decision(lit *ast.CompositeLit) {
	alarm := false
	for _, e := range lit.Elts {
		kv := e.(*ast.KeyValueExpr)
		switch kv.Key.(*ast.Ident).Name {
		case "Act":
			act := m.text(kv.Value)
			n := m.plant(kv, "%s becomes %s in %s", act, others[act], m.text(lit))
			m.wrap(kv.Value, fmt.Sprintf("instead(%d, ", n), ", "+others[act]+")")
		case "Alarm":
			alarm = true
			n := m.plant(kv, "the alarm is the other way round in %s", m.text(lit))
			m.wrap(kv.Value, "((", fmt.Sprintf(") != mutant(%d))", n))
		}
	}
	if last := lit.Elts[len(lit.Elts)-1]; !alarm {
		n := m.plant(lit, "there is an alarm in %s", m.text(lit))
		m.wrap(last, "", fmt.Sprintf(", Alarm: mutant(%d)", n))
	}
}

// write writes the instrumented table, and an overlay that has it in place of decide.go.
func (m *planting) write(t *testing.T, dir string) (overlay string) {
	var text bytes.Buffer
	from := 0
	for _, i := range m.inserts {
		text.Write(m.source[from:i.at])
		text.WriteString(i.text)
		from = i.at
	}
	text.Write(m.source[from:])
	planted := strings.Replace(text.String(), "package fencing\n", "package fencing\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n", 1) + mutantHead
	name := filepath.Join(dir, "decide.go")
	if err := os.WriteFile(name, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("decide.go")
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {here: name}})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// build builds the tests of a package with the mutants.
func build(t *testing.T, dir, overlay, name, pkg string) string {
	program := filepath.Join(dir, name)
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// run runs tests with a bug planted; 0: with none.
func run(program, dir string, n int) (out []byte, died bool) {
	cmd := exec.Command(program, "-test.failfast", "-test.count=1")
	if dir != "" {
		cmd.Args = append(cmd.Args, "-test.run=Matrix", "-phases=3")
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), mutantVariable+"="+strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	return out, err != nil
}

// survivors are the mutants that do not die, by number.
func (m *planting) survivors(dies func(n int) bool) (list []int) {
	var lock sync.Mutex
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n := range next {
				if !dies(n) {
					lock.Lock()
					list = append(list, n)
					lock.Unlock()
				}
			}
		})
	}
	for n := range m.list {
		next <- n + 1
	}
	close(next)
	wg.Wait()
	slices.Sort(list)
	return list
}
