package probesnet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/probes"
)

func TestAFileIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, age time.Duration) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("plain", link); err != nil {
		t.Fatal(err)
	}
	plain, old := file("plain", "role=primary\n", 0), file("old", "x", time.Hour)
	for _, c := range []struct {
		name   string
		check  probes.File
		ok     bool
		detail string
	}{
		{"there", probes.File{Path: plain}, true, "exists"},
		{"by a link", probes.File{Path: link}, true, "exists"},
		{"a directory", probes.File{Path: dir}, true, "exists"},
		{"missing", probes.File{Path: dir + "/none"}, false, "does not exist"},
		{"with a text", probes.File{Path: plain, Text: probes.Text{Regexp: "^role=primary$|\n"}}, true, "has what is wanted"},
		{"without a text", probes.File{Path: plain, Text: probes.Text{Contains: "standby"}}, false, `does not contain "standby"`},
		{"new enough", probes.File{Path: plain, MaxAge: time.Minute}, true, "exists"},
		{"too old", probes.File{Path: old, MaxAge: time.Minute}, false, "written 1h0m0s ago, want 1m0s at the most"},
		{"a directory has no text", probes.File{Path: dir, Text: probes.Text{Contains: "x"}}, false, "is not a file (d---------)"},
		{"a FIFO is not waited for", probes.File{Path: fifo, Text: probes.Text{Contains: "x"}}, false, "is not a file (p---------)"},
		{"a device without end", probes.File{Path: "/dev/zero", Text: probes.Text{Contains: "x"}}, false, "is not a file (Dc---------)"},
		{"not a number", probes.File{Path: plain, Value: true}, false, `"role=primary" is not a whole number`},
		{"empty is not a number", probes.File{Path: file("empty", "", 0), Value: true}, false, `"" is not a whole number`},
		{"too large a number", probes.File{Path: file("large", "99999999999", 0), Value: true}, false, `"99999999999" is not a whole number`},
		{"without end", probes.File{Path: file("long", strings.Repeat("x", maxText)+"end", 0), Text: probes.Text{Contains: "end"}}, false, `does not contain "end"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lookOnce(t, c.check, long)
			if want := c.check.Path + ": " + c.detail; r.OK != c.ok || r.Detail != want {
				t.Fatalf("%+v, want %q", r, want)
			}
		})
	}
	for text, want := range map[string]int{"0": 0, " -20 \n": -20, "+7": 7} {
		if r := lookOnce(t, probes.File{Path: file("value", text, 0), Value: true}, long); !r.OK || r.Value != want {
			t.Errorf("%q: %+v", text, r)
		}
	}
}
