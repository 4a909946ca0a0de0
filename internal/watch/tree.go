package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What one look reads at the most.
const (
	maxFiles = 4096
	maxBytes = 64 << 20
	maxDepth = 32
)

// tree is one look at everything that counts.
type tree struct {
	cfg    *Config
	files  map[string]file // by the path that leads there
	walked map[string]bool // directories without a symbolic link in their path, all of whose entries count
	places map[string]bool // other names that count: each step on the way to a path
	named  []string        // what the files below Paths name
	glance bool            // no file is read

	bytes    int64
	changed  time.Time // the newest change of a file, a link or a directory
	modified time.Time // when the content of a file was last written
	err      error
}

// file is a file that counts.
type file struct {
	sum  [sha256.Size]byte // of its content, or of why it cannot be read; zero at a glance
	stat string            // what a glance compares
	own  bool              // it lies below Paths
}

// read looks at everything, as it is now.
func (c *Config) read() *tree {
	t := c.newTree(false)
	t.visitAll(c.Paths, true)
	slices.Sort(t.named)
	t.named = slices.Compact(t.named)
	t.visitAll(t.named, false)
	return t
}

// glance looks without reading any file: what they name is taken from an earlier look.
func (c *Config) glance(old *tree) *tree {
	t := c.newTree(true)
	t.named = old.named
	t.visitAll(c.Paths, true)
	t.visitAll(t.named, false)
	return t
}

func (c *Config) newTree(glance bool) *tree {
	return &tree{cfg: c, glance: glance, files: map[string]file{}, walked: map[string]bool{}, places: map[string]bool{}}
}

func (t *tree) visitAll(paths []string, own bool) {
	for _, path := range paths {
		if t.err == nil {
			real, err := t.resolve(filepath.Clean(path), new(int))
			t.visit(path, real, err, own, nil)
		}
	}
}

// visit looks at what a path leads to; real is that without symbolic links, within is the
// directories on the way that are being looked at.
func (t *tree) visit(path, real string, err error, own bool, within []string) {
	var info fs.FileInfo
	if err == nil {
		info, err = os.Lstat(real)
	}
	switch {
	case t.err != nil, slices.Contains(t.cfg.Exclude, path):
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		t.keep(path, file{sum: unreadable(err), stat: err.Error(), own: own})
	case info.IsDir():
		t.walk(path, real, info, own, within)
	case info.Mode().IsRegular():
		t.add(path, real, info, own)
	}
}

// walk looks at the entries of a directory.
func (t *tree) walk(path, real string, info fs.FileInfo, own bool, within []string) {
	if slices.Contains(within, real) || len(within) >= maxDepth {
		return // a link that leads back to where it is
	}
	t.walked[real] = true
	t.age(info)
	entries, err := os.ReadDir(real)
	if err != nil {
		t.keep(path, file{sum: unreadable(err), stat: err.Error(), own: own})
		return
	}
	within = append(within, real)
	for _, e := range entries {
		if ignored(e.Name()) || t.err != nil {
			continue
		}
		next, err := t.step(real, e.Name(), new(int))
		t.visit(filepath.Join(path, e.Name()), next, err, own, within)
	}
}

// add looks at a file.
func (t *tree) add(path, real string, info fs.FileInfo, own bool) {
	if _, known := t.files[path]; known {
		return
	}
	if t.bytes += info.Size(); t.bytes > maxBytes {
		t.err = fmt.Errorf("more than %d MiB are to be watched, the last file is %s: name fewer", maxBytes>>20, path)
		return
	}
	t.age(info)
	if info.ModTime().After(t.modified) {
		t.modified = info.ModTime()
	}
	f := file{stat: signatureOf(info), own: own}
	if !t.glance {
		f.sum = t.digest(path, real, info.Size(), own)
	}
	t.keep(path, f)
}

func (t *tree) keep(path string, f file) {
	if len(t.files) >= maxFiles {
		t.err = fmt.Errorf("more than %d files are to be watched, the last one is %s: name fewer", maxFiles, path)
		return
	}
	t.files[path] = f
}

// resolve follows the symbolic links on the way to an absolute path. Each step counts: a
// directory or a link that is replaced leads somewhere else.
func (t *tree) resolve(path string, hops *int) (string, error) {
	real := "/"
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		var err error
		if real, err = t.step(real, name, hops); err != nil {
			return real, err
		}
	}
	return real, nil
}

// maxHops is how many symbolic links lead to a file at the most, as in path_resolution(7).
const maxHops = 40

func (t *tree) step(dir, name string, hops *int) (string, error) {
	full := filepath.Join(dir, name)
	t.places[full] = true
	info, err := os.Lstat(full)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return full, err
	}
	t.age(info)
	if *hops++; *hops > maxHops {
		return full, &fs.PathError{Op: "open", Path: full, Err: syscall.ELOOP}
	}
	target, err := os.Readlink(full)
	if err != nil {
		return full, err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	return t.resolve(filepath.Clean(target), hops)
}

// age takes note of when something last changed.
func (t *tree) age(info fs.FileInfo) {
	if at := ctime(info); at.After(t.changed) {
		t.changed = at
	}
}

func ctime(info fs.FileInfo) time.Time {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	return time.Unix(st.Ctim.Unix())
}

func signatureOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Sprint(info.Size(), info.ModTime())
	}
	return fmt.Sprint(st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
}

// directories are those in which something that counts may happen.
func (t *tree) directories() []string {
	dirs := maps.Clone(t.walked)
	for place := range t.places {
		dirs[filepath.Dir(place)] = true
	}
	return slices.Sorted(maps.Keys(dirs))
}

// counts tells whether something that happens to a path may matter.
func (t *tree) counts(path string) bool {
	if slices.Contains(t.cfg.Exclude, path) {
		return false
	}
	return t.places[path] || t.walked[filepath.Dir(path)] && !ignored(path)
}

// hash is one for the content of all files.
func (t *tree) hash() string { return t.sum(func(file) bool { return true }) }

// own is one for the content of the files below Paths.
func (t *tree) own() string { return t.sum(func(f file) bool { return f.own }) }

func (t *tree) sum(which func(file) bool) string {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(t.files)) {
		if f := t.files[path]; which(f) {
			fmt.Fprintf(h, "%s\x00%x\n", path, f.sum)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// signature is one for what a glance can see.
func (t *tree) signature() string {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(t.files)) {
		fmt.Fprintf(h, "%s\x00%s\n", path, t.files[path].stat)
	}
	fmt.Fprint(h, t.err)
	return hex.EncodeToString(h.Sum(nil))
}

// differs are the paths that came, went or have another content than in an earlier look.
func (t *tree) differs(old *tree) []string {
	var list []string
	for path, f := range t.files {
		if was, known := old.files[path]; !known || was.sum != f.sum {
			list = append(list, path)
		}
	}
	for path := range old.files {
		if _, there := t.files[path]; !there {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}
