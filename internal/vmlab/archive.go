//go:build linux

package vmlab

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// archive writes what the kernel unpacks at boot: cpio in the form "newc"
// (Documentation/driver-api/early-userspace/buffer-format.rst). Archives may follow
// each other; a later file replaces an earlier one. The first error stays, and close
// returns it.
type archive struct {
	w     *bufio.Writer
	err   error
	inode int
	have  map[string]bool // paths without the leading slash
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriterSize(w, 1<<20), have: map[string]bool{}}
}

// Types of a file in the mode of a header.
const (
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
)

// dir adds a directory and those above it.
func (a *archive) dir(name string) {
	name = relative(name)
	if name == "" || a.have[name] {
		return
	}
	a.dir(path.Dir(name))
	a.entry(name, typeDir|0o755, 0)
}

// text adds a file with this content.
func (a *archive) text(name, content string) {
	if a.begin(name, typeFile|0o644, int64(len(content))) {
		a.write(content)
		a.pad(int64(len(content)))
	}
}

// link adds a symbolic link.
func (a *archive) link(name, target string) {
	if a.begin(name, typeLink|0o777, int64(len(target))) {
		a.write(target)
		a.pad(int64(len(target)))
	}
}

// copy adds a file of the host, or what a symbolic link leads to.
func (a *archive) copy(name, from string) {
	f, err := os.Open(from)
	if err != nil {
		a.fail(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		a.fail(err)
		return
	}
	if !info.Mode().IsRegular() {
		a.fail(fmt.Errorf("%s is no regular file", from))
		return
	}
	if !a.begin(name, typeFile|uint32(info.Mode().Perm()), info.Size()) {
		return
	}
	n, err := io.Copy(a.w, f)
	if err == nil && n != info.Size() {
		err = fmt.Errorf("%s changed while it was read", from)
	}
	a.fail(err)
	a.pad(n)
}

// tree adds a file of the host, or a directory with everything in it.
func (a *archive) tree(name, from string) {
	a.fail(filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			a.dir(path.Join(name, below))
		} else {
			a.copy(path.Join(name, below), p)
		}
		return a.err
	}))
}

// close ends the archive, at a length after which another one may follow.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0)
	a.fail(a.w.Flush())
	return a.err
}

// begin writes the header of what has content; false: it is there already, or the
// archive has failed.
func (a *archive) begin(name string, mode uint32, size int64) bool {
	name = relative(name)
	if a.err != nil || a.have[name] {
		return false
	}
	a.dir(path.Dir(name))
	a.entry(name, mode, size)
	return true
}

func (a *archive) entry(name string, mode uint32, size int64) {
	a.have[name] = true
	a.inode++
	const uid, gid, links, modified, major, minor, sum = 0, 0, 1, 0, 0, 0, 0
	header := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, uid, gid, links, modified, size, major, minor, major, minor, len(name)+1, sum)
	a.write(header + name + "\x00")
	a.pad(int64(len(header) + len(name) + 1))
}

// pad fills up to the next multiple of four.
func (a *archive) pad(n int64) { a.write("\x00\x00\x00"[:(4-n%4)%4]) }

func (a *archive) write(s string) {
	_, err := a.w.WriteString(s)
	a.fail(err)
}

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// relative is a path without the leading slash, and nothing for the root.
func relative(name string) string { return path.Clean("/" + name)[1:] }
