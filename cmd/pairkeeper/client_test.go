package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheSocketIsThatOfTheOnlyDaemon(t *testing.T) {
	run := t.TempDir()
	for _, c := range []struct{ add, want string }{
		{"", "pairkeeper"},
		{"pairkeeper-nginx", "pairkeeper-nginx"},
		{"pairkeeper-haproxy", "pairkeeper"}, // which of them is to be said
		{"pairkeeper", "pairkeeper"},
	} {
		if c.add != "" {
			if err := os.Mkdir(filepath.Join(run, c.add), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(run, c.add, "control.sock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := theSocket(run), filepath.Join(run, c.want, "control.sock"); got != want {
			t.Errorf("after %q: %s, want %s", c.add, got, want)
		}
	}
}
