package keepalived

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// The bounds of what is read: more than anybody has, and little enough for a hostile file.
const (
	mostLines  = 50_000  // of all files, when everything is expanded
	mostBytes  = 4 << 20 // of one file, and of all that is expanded
	mostDepth  = 30      // of files that include each other, and of variables in variables
	mostNested = 100     // of blocks in blocks
)

// Pos is where something stands.
type Pos struct {
	File string
	Line int
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// short names the file without its folder.
func (p Pos) short() string { return Pos{path.Base(p.File), p.Line}.String() }

// Source is what is read: a file, and the id by which keepalived tells lines of one node
// from those of another (its option -i; by default the host's name).
type Source struct {
	Files fs.FS  // with the paths of the host, less the leading slash
	Path  string // absolute, or relative to the root of Files
	ID    string
}

// text reads a file. A path is as the user wrote it.
func (s Source) text(name string) (string, error) {
	data, err := fs.ReadFile(s.Files, inside(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return "", errors.New("it may not be read")
	case err != nil:
		return "", errors.New("it cannot be read")
	case len(data) > mostBytes:
		return "", fmt.Errorf("it has %d bytes, more than %d are not read", len(data), mostBytes)
	}
	return string(data), nil
}

// inside is a path as an fs.FS has it.
func inside(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// included are the files that a pattern names, relative to the file it stands in.
func (s Source) included(pattern, from string) []string {
	if !path.IsAbs(pattern) {
		pattern = path.Join(path.Dir(from), pattern)
	}
	var all []string
	for _, p := range alternatives(pattern, mostDepth) {
		if !strings.ContainsAny(p, "*?[") {
			all = append(all, p)
			continue
		}
		names, _ := fs.Glob(s.Files, inside(p))
		for _, name := range names {
			if path.IsAbs(p) {
				name = "/" + name
			}
			all = append(all, name)
		}
	}
	return all
}

// alternatives writes out the first braces of a pattern, as csh does: a{b,c} is ab and ac.
func alternatives(pattern string, depth int) []string {
	open := strings.IndexByte(pattern, '{')
	end := strings.IndexByte(pattern, '}')
	if open < 0 || end < open || depth == 0 {
		return []string{pattern}
	}
	if next := strings.LastIndexByte(pattern[:end], '{'); next > open {
		open = next // the innermost
	}
	var all []string
	for _, one := range strings.Split(pattern[open+1:end], ",") {
		all = append(all, alternatives(pattern[:open]+one+pattern[end+1:], depth-1)...)
		if len(all) > 1000 {
			break
		}
	}
	return all
}
