package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// same compares configurations.
var same = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}), cmpopts.EquateEmpty()}

func TestInvalidFilesSayWhatIsWrong(t *testing.T) {
	for _, path := range glob(t, "testdata/invalid-*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			_, err := Parse("pairkeeper.yaml", read(t, path))
			if err == nil {
				t.Fatal("parses, want errors")
			}
			checkErrors(t, err)
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestValidFilesPrintInFull(t *testing.T) {
	for _, path := range glob(t, "testdata/valid-*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			d := parse(t, read(t, path))
			golden(t, strings.TrimSuffix(path, ".yaml")+".print", inFull(t, d))
			golden(t, strings.TrimSuffix(path, ".yaml")+".warnings", warnings(d))
		})
	}
}

func TestPrintParsesToTheSameConfiguration(t *testing.T) {
	for _, path := range append(glob(t, "testdata/valid-*.yaml"), glob(t, "../../examples/*/pairkeeper*.yaml")...) {
		d := parse(t, read(t, path))
		if strings.Contains(inFull(t, d), mask) {
			continue // see TestPrintedMaskIsRefusedAsAPassword
		}
		t.Run(path, func(t *testing.T) { sameAfterPrint(t, d) })
	}
}

func TestPrintedMaskIsRefusedAsAPassword(t *testing.T) {
	d := parse(t, read(t, "testdata/valid-password.yaml"))
	printed := inFull(t, d)
	if strings.Contains(printed, "1111") {
		t.Errorf("prints the password:\n%s", printed)
	}
	_, err := Parse("pairkeeper.yaml", []byte(printed))
	if err == nil || !strings.Contains(err.Error(), "auth.password: ******** is what check --print shows") {
		t.Errorf("got %v, want the mask to be refused", err)
	}
}

func TestExamplesLoadForBothNodesWithoutWarning(t *testing.T) {
	paths := glob(t, "../../examples/*/pairkeeper*.yaml")
	for _, path := range paths {
		for _, node := range parse(t, read(t, path)).Nodes() {
			f, err := Load(path, node)
			if err != nil {
				t.Errorf("%s as %s: %v", path, node, err)
				continue
			}
			if len(f.Warnings) > 0 {
				t.Errorf("%s as %s: %v", path, node, Errors(f.Warnings))
			}
			if f.Config.Node != node || f.Config.Peer == node || len(f.Config.Routers) == 0 || !f.Config.Proxy.Guarded() && !f.Config.Balance.Set() {
				t.Errorf("%s as %s: got %+v", path, node, f.Config)
			}
		}
	}
}

// sameAfterPrint prints a document and reads that again.
func sameAfterPrint(t *testing.T, d *Document) {
	t.Helper()
	printed := inFull(t, d)
	again, err := Parse("printed.yaml", []byte(printed))
	if err != nil {
		t.Fatalf("what is printed does not parse: %v\n%s", err, printed)
	}
	if twice := inFull(t, again); twice != printed {
		t.Errorf("printed twice (-first +second):\n%s", cmp.Diff(printed, twice))
	}
	if d.node != again.node {
		t.Errorf("node: is %q, after printing %q", d.node, again.node)
	}
	// What is not read here has to be the same file.
	if diff := cmp.Diff(places(d), places(again)); diff != "" {
		t.Errorf("secrets changed by printing (-want +got):\n%s", diff)
	}
	for _, one := range []*Document{d, again} {
		for s := range one.secrets {
			s.skipped = true
		}
	}
	for _, node := range d.Nodes() {
		want, err := d.For(node)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.For(node)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("%s changed by printing (-want +got):\n%s", node, diff)
		}
	}
}

// places are where secrets come from.
func places(d *Document) (list []string) {
	for s := range d.secrets {
		list = append(list, fmt.Sprint(s.id, " ", s.file, " ", s.credential))
	}
	return list
}

// checkErrors wants every error with its file and line, in order, and on one line.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("got %#v, want Errors", err)
	}
	last := 0
	for _, e := range errs {
		if e.File == "" || e.Text == "" || e.Line < max(last, 1) || strings.ContainsAny(e.Error(), "\n\r\x00") {
			t.Errorf("ill-formed or out of order: %q", e)
		}
		last = e.Line
	}
}

func parse(t *testing.T, data []byte) *Document {
	t.Helper()
	d, err := Parse("pairkeeper.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func inFull(t *testing.T, d *Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func warnings(d *Document) string {
	if w := d.Warnings(); len(w) > 0 {
		return Errors(w).Error() + "\n"
	}
	return ""
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s matches nothing (%v)", pattern, err)
	}
	return paths
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, path)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
