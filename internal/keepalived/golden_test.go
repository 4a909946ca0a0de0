package keepalived

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// executable says of a folder which programs could be run; those below /usr/bin all can.
func executable(files fs.FS) func([]string, string) error {
	return func(command []string, _ string) error {
		if strings.HasPrefix(command[0], "/usr/bin/") {
			return nil
		}
		if _, err := fs.Stat(files, inside(command[0])); err != nil {
			return errors.New(command[0] + " does not exist")
		}
		return nil
	}
}

// story imports the configurations in a folder of testdata.
func story(t *testing.T, dir string) (*Result, error) {
	t.Helper()
	root := os.DirFS(dir)
	names, err := fs.Glob(root, "*.conf")
	if err != nil {
		t.Fatal(err)
	}
	var sources []Source
	for _, name := range names {
		sources = append(sources, Source{Files: root, Path: name, ID: "lb01"})
	}
	o := Options{Programs: root, Usable: executable(root)}
	if filepath.Base(dir) == "tutorial" {
		o.Addresses = map[string]netip.Addr{"lb01": netip.MustParseAddr("10.0.0.5"), "lb02": netip.MustParseAddr("10.0.0.6")}
	}
	if table, err := fs.ReadFile(root, "table.ipvsadm"); err == nil {
		o.Table, o.TableName = string(table), "table.ipvsadm"
	}
	return Import(sources, o)
}

func reportOf(list []Note) string {
	var b strings.Builder
	for i, n := range list {
		if i == 0 || list[i-1].Part != n.Part {
			fmt.Fprintf(&b, "%s:\n", PartTitles[n.Part])
		}
		fmt.Fprintf(&b, "  %s: %s", n.Pos, n.Text)
		if n.Rule != "" {
			fmt.Fprintf(&b, " [%s]", n.Rule)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestConfigurationsBecomeWhatTheyMean: each folder of testdata is the configuration of one
// node or of two; want.yaml is what becomes of it, want.txt what is said of that.
func TestConfigurationsBecomeWhatTheyMean(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/*")
	if err != nil || len(dirs) < 9 {
		t.Fatalf("%v: %d folders", err, len(dirs))
	}
	for _, dir := range dirs {
		if filepath.Base(dir) == "fuzz" {
			continue
		}
		r, err := story(t, dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if _, err := config.Parse("want.yaml", r.YAML); err != nil {
			t.Errorf("%s: %v\n%s", dir, err, numbered(r.YAML))
		}
		compare(t, filepath.Join(dir, "want.yaml"), string(r.YAML))
		compare(t, filepath.Join(dir, "want.txt"), reportOf(r.Notes))
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what came out (%v):\n%s", path, err, got)
	}
}

// TestEveryRuleIsInSomeStory: what the lint can say is said in testdata.
func TestEveryRuleIsInSomeStory(t *testing.T) {
	t.Parallel()
	dirs, _ := filepath.Glob("testdata/*")
	var said []string
	for _, dir := range dirs {
		if r, err := story(t, dir); err == nil {
			for _, n := range r.Notes {
				said = append(said, n.Rule)
			}
		}
	}
	for _, rule := range ruleNames(t) {
		if !slices.Contains(said, rule) {
			t.Errorf("no story has %s", rule)
		}
	}
}

// ruleNames are the rules that the package's source has.
func ruleNames(t *testing.T) []string {
	t.Helper()
	called := regexp.MustCompile(`\b(?:wrong\([^,"]+, |differ\()"([a-z0-9-]+)"`)
	files, _ := filepath.Glob("*.go")
	var rules []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range called.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(rules, m[1]) {
				rules = append(rules, m[1])
			}
		}
	}
	if len(rules) < 50 {
		t.Fatalf("only %d rules were found", len(rules))
	}
	return rules
}

// TestTheGuideShowsWhatComesOut: docs/import.md has the tutorial's story as it is, and a
// word about every rule.
func TestTheGuideShowsWhatComesOut(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"want.yaml", "want.txt", "lb01.conf", "lb02.conf", "etc/keepalived/check_web.sh"} {
		part, err := os.ReadFile("testdata/tutorial/" + name)
		if err != nil || !strings.Contains(string(text), strings.TrimSpace(string(part))) {
			t.Errorf("the guide does not have testdata/tutorial/%s as it is (%v)", name, err)
		}
	}
	for _, rule := range ruleNames(t) {
		if !strings.Contains(string(text), "`"+rule+"`") {
			t.Errorf("the guide does not name the rule `%s`", rule)
		}
	}
}
