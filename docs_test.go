package pairkeeper_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/handbook"
)

var han = regexp.MustCompile(`\p{Han}`)

// comment is what a line of YAML or of a shell has for people; the languages differ in it.
var comment = regexp.MustCompile(`(^|\s+)# .*$`)

// code is what is typed, written or printed by the blocks of a page. A comment as a block's
// first line is kept: it says where.
func code(t *testing.T, page string) []string {
	t.Helper()
	blocks, err := handbook.Blocks(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, b := range blocks {
		list = append(list, b.Lang+" "+b.Where)
		for i, line := range b.Lines {
			if i > 0 || !strings.HasPrefix(line, "# ") {
				line = comment.ReplaceAllString(line, "")
			}
			if line != "" {
				list = append(list, line)
			}
		}
	}
	return list
}

func chinese(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/zh/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("%q, %v", pages, err)
	}
	return pages
}

func TestTheChinesePagesHaveTheCommandsOfTheEnglish(t *testing.T) {
	for _, page := range chinese(t) {
		english := filepath.Join("docs", filepath.Base(page))
		en, zh := code(t, english), code(t, page)
		for i := range max(len(en), len(zh)) {
			if i >= len(en) || i >= len(zh) || en[i] != zh[i] {
				t.Errorf("%s and %s differ in line %d of their blocks:\n%q\n%q", english, page, i, en[min(i, len(en)):min(i+1, len(en))], zh[min(i, len(zh)):min(i+1, len(zh))])
				break
			}
		}
	}
}

// The languages name the same reasons, alerts, keys and commands: what stands between backquotes
// in a Chinese page does so in the English one.
func TestTheChinesePagesNameNothingElse(t *testing.T) {
	for _, page := range chinese(t) {
		en, err := handbook.Spans(filepath.Join("docs", filepath.Base(page)))
		if err != nil {
			t.Fatal(err)
		}
		zh, err := handbook.Spans(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range zh {
			if !slices.Contains(en, s) && !han.MatchString(s) { // what is to be put in is translated
				t.Errorf("%s has `%s`, which the English page has not", page, s)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]*)?\)`)

func TestEveryLinkOfTheDocumentationLeadsSomewhere(t *testing.T) {
	pages, err := handbook.Pages(".")
	if err != nil {
		t.Fatal(err)
	}
	followed := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if m[2] != "" && !slices.Contains(anchors(t, target), m[2]) {
				t.Errorf("%s: %s has no heading %s", page, target, m[2])
			}
		}
	}
	if followed < 100 {
		t.Errorf("only %d links were followed", followed)
	}
}

var dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchors are the fragments of a page's headings, as the usual renderers make them.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		if head := strings.TrimLeft(line, "#"); head != line && strings.HasPrefix(head, " ") {
			head = dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(head)), "")
			list = append(list, "#"+strings.ReplaceAll(head, " ", "-"))
		}
	}
	return list
}

func TestTheTableOfContentsHasEveryPage(t *testing.T) {
	for _, dir := range []string{"docs", "docs/zh"} {
		contents := filepath.Join(dir, "README.md")
		text, err := os.ReadFile(contents)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			if page != contents && !strings.Contains(string(text), "]("+filepath.Base(page)+")") {
				t.Errorf("%s does not name %s", contents, filepath.Base(page))
			}
		}
	}
}
