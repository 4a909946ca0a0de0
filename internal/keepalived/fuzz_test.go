package keepalived

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/config"
)

// FuzzImport: whatever is written into two files and a table, an import ends, its notes are
// of one line each, and what comes out is a configuration.
func FuzzImport(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*/*.conf")
	tables, _ := filepath.Glob("testdata/*/*.ipvsadm")
	for _, path := range append(paths, tables...) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "", false)
		f.Add(string(text), string(text), true)
		f.Add("", string(text), true)
	}
	f.Fuzz(func(t *testing.T, one, two string, runs bool) {
		files := folder(map[string]string{"/lb01.conf": one, "/lb02.conf": two})
		sources := []Source{{Files: files, Path: "/lb01.conf", ID: "lb01"}}
		if two != "" {
			sources = append(sources, Source{Files: files, Path: "/lb02.conf", ID: "lb02"})
		}
		o := Options{TableName: "table", Table: two}
		if !runs {
			o.Usable = func([]string, string) error { return errors.New("does not exist") }
		}
		r, err := Import(sources, o)
		for _, n := range r.Notes {
			if strings.ContainsAny(n.Text, "\n\r\x00") || n.Text == "" {
				t.Errorf("a note of %q", n.Text)
			}
		}
		if err != nil {
			if !errors.Is(err, ErrNothing) {
				t.Fatal(err)
			}
			return
		}
		if _, err := config.Parse("pairkeeper.yaml", r.YAML); err != nil {
			t.Fatalf("%v\n%s", err, numbered(r.YAML))
		}
	})
}

// TestMangledLinesStillBecomeAConfiguration leaves lines of the stories out, doubles and
// moves them.
func TestMangledLinesStillBecomeAConfiguration(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob("testdata/*/*.conf")
	random := rand.New(rand.NewPCG(1, 2))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			lines := strings.Split(strings.ReplaceAll(string(text), "$LOOP", "#"), "\n")
			for range 1 + random.IntN(6) {
				i, j := random.IntN(len(lines)), random.IntN(len(lines))
				switch random.IntN(3) {
				case 0:
					lines = slices.Delete(lines, i, i+1)
				case 1:
					lines = slices.Insert(lines, j, lines[i])
				default:
					lines[i], lines[j] = lines[j], lines[i]
				}
			}
			mangled := strings.Join(lines, "\n")
			files := folder(map[string]string{"/lb01.conf": mangled})
			r, err := Import([]Source{{Files: files, Path: "/lb01.conf", ID: "lb01"}}, Options{})
			if errors.Is(err, ErrNothing) {
				continue
			}
			if err != nil {
				t.Fatalf("%v of\n%s", err, mangled)
			}
			if _, err := config.Parse("pairkeeper.yaml", r.YAML); err != nil {
				t.Fatalf("%v\n%s\nof\n%s", err, numbered(r.YAML), mangled)
			}
		}
	}
}
