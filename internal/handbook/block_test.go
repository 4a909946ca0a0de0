package handbook

import (
	"os"
	"path/filepath"
	"testing"
)

const page = "# Page\n\n## One\n\n`a b` and `c`\n\n```sh lb01\n# on lb01\nls `x`\n```\n\n## Two\n\n- item\n  ```yaml\n  a:\n    b: 1\n  ```\n"

func TestBlocksHaveTheirPlaceAndText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	list, err := Blocks(path)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if b := list[0]; b.Section != "One" || b.Line != 7 || b.Lang != "sh" || b.Where != "lb01" || b.Head() != "on lb01" || b.Text() != "# on lb01\nls `x`\n" {
		t.Errorf("%+v", b)
	}
	if b := list[1]; b.Section != "Two" || b.Lang != "yaml" || b.Head() != "" || b.Text() != "a:\n  b: 1\n" {
		t.Errorf("%+v", b)
	}
	spans, err := Spans(path)
	if err != nil || len(spans) != 2 || spans[0] != "a b" || spans[1] != "c" {
		t.Errorf("%q, %v", spans, err)
	}
}
