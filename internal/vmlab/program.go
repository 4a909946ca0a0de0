//go:build linux

package vmlab

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// searchPath is where programs lie, on the host and inside; busybox's come last.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// find is the path of a program, also of one for root where root's directories are
// not searched.
func find(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return filepath.Abs(p)
	}
	for _, dir := range filepath.SplitList(searchPath) {
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// program adds a program of the host and the libraries that it is linked with.
func (a *archive) program(name, from string) {
	libraries, err := librariesOf(from)
	if err != nil {
		a.fail(err)
		return
	}
	a.copy(name, from)
	for _, l := range libraries {
		a.copy(l, l)
	}
}

// resolved is a library in the output of ldd(1).
var resolved = regexp.MustCompile(`(?m)^\s+(?:\S+ => )?(/\S+) \(0x`)

// librariesOf are the shared libraries of a program, and none of a script or a static
// program.
func librariesOf(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: only a program in machine code can be taken along: %w", path, err)
	}
	defer f.Close()
	if needed, err := f.ImportedLibraries(); err != nil || len(needed) == 0 {
		return nil, err
	}
	out, err := run("/", "ldd", path)
	if err == nil && strings.Contains(out, "not found") {
		err = fmt.Errorf("%s: not all of its libraries are installed:\n%s", path, out)
	}
	if err != nil {
		return nil, err
	}
	var libraries []string
	for _, m := range resolved.FindAllStringSubmatch(out, -1) {
		libraries = append(libraries, m[1])
	}
	return libraries, nil
}
