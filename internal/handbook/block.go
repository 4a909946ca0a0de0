// Package handbook reads the pages of docs for the tests that try what these say.
package handbook

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Block is a fenced block of code of a page.
type Block struct {
	Page, Section string // the file, and the nearest heading of the second level above it
	Line          int    // of the opening fence, from 1
	Lang, Where   string // what stands behind the fence: its first word, and the rest
	Lines         []string
}

// Text is the block as it stands, each line with its end.
func (b Block) Text() string {
	if len(b.Lines) == 0 {
		return ""
	}
	return strings.Join(b.Lines, "\n") + "\n"
}

// Head is the comment that the block begins with, without its mark: where the commands are to
// be typed, or which file it is; empty: it begins with something else.
func (b Block) Head() string {
	if len(b.Lines) == 0 {
		return ""
	}
	head, _ := strings.CutPrefix(b.Lines[0], "# ")
	if head == b.Lines[0] {
		return ""
	}
	return head
}

// Blocks are the blocks of a page.
func Blocks(page string) ([]Block, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	var list []Block
	open, section, indent := false, "", ""
	for i, line := range strings.Split(string(text), "\n") {
		bare := strings.TrimLeft(line, " ")
		fence, isFence := strings.CutPrefix(bare, "```")
		switch {
		case isFence && open:
			open = false
		case isFence:
			open, indent = true, line[:len(line)-len(bare)]
			lang, where, _ := strings.Cut(strings.TrimSpace(fence), " ")
			list = append(list, Block{Page: page, Section: section, Line: i + 1, Lang: lang, Where: where})
		case open:
			b := &list[len(list)-1]
			b.Lines = append(b.Lines, strings.TrimPrefix(line, indent))
		case strings.HasPrefix(line, "## "):
			section = line[3:]
		}
	}
	return list, nil
}

// Pages are the pages of the documentation below the repository's root: README.md, docs, and the
// README.md of each example.
func Pages(root string) ([]string, error) {
	pages := []string{filepath.Join(root, "README.md")}
	for _, dir := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".md") {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(pages)
	return pages, nil
}

// Spans are the words between single backquotes of a page, outside of blocks.
func Spans(page string) ([]string, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	var list []string
	open := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			open = !open
			continue
		}
		if open {
			continue
		}
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 {
				list = append(list, part)
			}
		}
	}
	return list, nil
}
