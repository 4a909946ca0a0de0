// Package bindings finds where a proxy's own configuration binds virtual addresses. It
// reads nginx's and HAProxy's files line by line, without understanding them: what it
// misses the proxy will say itself.
package bindings

import (
	"bufio"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Binding is a line that binds an address.
type Binding struct {
	File string
	Line int
	Addr netip.Addr
}

// The bounds of what is read.
const (
	maxFiles = 1000
	maxBytes = 1 << 20 // of a file
)

// folders are where the proxies' configurations lie, by a word of the unit or its test.
var folders = []struct{ word, dir string }{
	{"nginx", "/etc/nginx"},
	{"haproxy", "/etc/haproxy"},
}

// Find looks for lines of a proxy's configuration that bind a virtual address.
func Find(p supervisor.Proxy, virtual func(netip.Addr) bool) []Binding {
	var all []Binding
	for _, file := range files(p) {
		all = append(all, find(file, virtual)...)
	}
	return all
}

// files are those that its test or its command name, and those of the folder of its kind.
func files(p supervisor.Proxy) []string {
	args := slices.Concat(p.Command, p.Test)
	words := strings.Join(append([]string{p.Unit}, args...), " ")
	var found []string
	add := func(path string) {
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && info.Size() <= maxBytes && len(found) < maxFiles && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	for _, a := range args {
		if filepath.IsAbs(a) && filepath.Ext(a) != "" { // not a program
			add(a)
		}
	}
	for _, f := range folders {
		if !strings.Contains(words, f.word) {
			continue
		}
		_ = filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil // what cannot be read is not read
			case d.IsDir() && strings.HasSuffix(path, "-available"):
				return fs.SkipDir
			case !d.IsDir() && inUse(path):
				add(path)
			}
			return nil
		})
	}
	return found
}

// inUse tells a file that is probably read by the proxy from a copy beside it.
func inUse(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".conf" || ext == ".cfg" || strings.HasSuffix(filepath.Dir(path), "-enabled")
}

// bindLine is nginx's listen, which may stand anywhere in a line, or HAProxy's bind.
var bindLine = regexp.MustCompile(`(?:^|[\s{;])listen\s+([^;\s]+)|^\s*bind\s+(\S+)`)

func find(path string, virtual func(netip.Addr) bool) []Binding {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []Binding
	lines := bufio.NewScanner(io.LimitReader(f, maxBytes))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.Contains(line, " transparent") { // HAProxy binds what is not there, then
			continue
		}
		for _, m := range bindLine.FindAllStringSubmatch(line, -1) {
			for _, at := range strings.Split(m[1]+m[2], ",") {
				if a, ok := addrOf(at); ok && virtual(a) {
					all = append(all, Binding{path, n, a})
				}
			}
		}
	}
	return all
}

// addrOf is the address of 10.0.0.3, 10.0.0.3:80, [fd00::3]:80, or HAProxy's fd00::3:80 and
// ipv4@10.0.0.3:80.
func addrOf(at string) (netip.Addr, bool) {
	if _, rest, ok := strings.Cut(at, "@"); ok {
		at = rest
	}
	host := at
	if i := strings.LastIndexByte(at, ':'); i >= 0 && !strings.HasSuffix(at, "]") {
		host = at[:i]
	}
	for _, s := range []string{strings.Trim(host, "[]"), at} {
		if a, err := netip.ParseAddr(s); err == nil {
			return a, true
		}
	}
	return netip.Addr{}, false
}
