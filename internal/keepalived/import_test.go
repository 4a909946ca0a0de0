package keepalived

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/config"
)

// runnable says of a file system which programs could be run.
func runnable(files fs.FS) func([]string, string) error {
	return func(command []string, _ string) error {
		if _, err := fs.Stat(files, inside(command[0])); err != nil {
			return errors.New("there is no such file")
		}
		return nil
	}
}

func numbered(text []byte) string {
	var b strings.Builder
	for i, l := range strings.Split(string(text), "\n") {
		fmt.Fprintf(&b, "%3d %s\n", i+1, l)
	}
	return b.String()
}

// serversOfTheirOwn are public files whose only service is balanced to the director itself,
// or whose only group is given twice and never used: there is nothing to take over.
var serversOfTheirOwn = []string{
	"hsksyusk__topecongiro-etc__keepalived_keepalived-conf.conf", "hsksyusk__topecongiro-etc__keepalived_keepalived-conf.local.conf",
	"hsksyusk__topecongiro-etc__keepalived_keepalived-conf.2.conf",
}

// TestPublicConfigurationsBecomeConfigurations: each is imported, alone and with itself as
// the other node's, and the result loads.
func TestPublicConfigurationsBecomeConfigurations(t *testing.T) {
	t.Parallel()
	for _, path := range corpusFiles(t) {
		name, one := filepath.Base(path), Source{Files: os.DirFS("/"), Path: path, ID: "lb01"}
		for _, sources := range [][]Source{{one}, {one, one}} {
			r, err := Import(sources, Options{Usable: runnable(one.Files)})
			if slices.Contains(serversOfTheirOwn, name) {
				if !errors.Is(err, ErrNothing) || len(r.Notes) == 0 {
					t.Errorf("%s: %v, want nothing to take over, and a reason", name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if _, err := config.Parse("pairkeeper.yaml", r.YAML); err != nil {
				t.Errorf("%s: %v\n%s", name, err, numbered(r.YAML))
			}
		}
	}
}
