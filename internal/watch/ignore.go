package watch

import (
	"path/filepath"
	"strings"
)

// leftovers are the ends of names that editors and package managers give to what is not
// the file itself; .so is a loadable module, which no reload exchanges.
var leftovers = []string{
	"~", ".swp", ".swo", ".swx", ".swpx", ".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-tmp", ".dpkg-bak",
	".ucf-new", ".ucf-old", ".ucf-dist", ".rpmnew", ".rpmsave", ".rpmorig", ".so",
}

// ignored tells a name that does not count below a directory: what editors and package
// managers put there for a while or leave behind, the versions of a Kubernetes volume,
// whose files are reached by links, and version control.
func ignored(path string) bool {
	name := filepath.Base(path)
	for _, end := range leftovers {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	switch name {
	case "4913", ".git", ".svn", ".hg": // the first is vim's, to try whether it may write
		return true
	}
	return strings.HasPrefix(name, ".#") || strings.HasPrefix(name, "..") || strings.HasPrefix(name, ".ansible_tmp") ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}
