package program

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pairkeeper/pairkeeper/internal/words"
)

// Executable tells why a program must not be run: somebody else could change it.
func Executable(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s is not an absolute path", path)
	}
	info, err := walk(path, maxLinks)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a program", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod a+x %s", path, path)
	}
	return nil
}

// maxLinks is the kernel's limit of symbolic links in a path.
const maxLinks = 40

// walk goes down an absolute path, and every symbolic link on it, as long as nobody but
// root and the daemon's user can change where it leads.
func walk(path string, links int) (os.FileInfo, error) {
	at := "/"
	info, err := trusted(at)
	for _, name := range strings.Split(path, "/") {
		if err != nil {
			return nil, err
		}
		at = filepath.Join(at, name)
		if info, err = trusted(at); err != nil || info.Mode()&os.ModeSymlink == 0 {
			continue
		}
		if links == 0 {
			return nil, fmt.Errorf("%s: too many symbolic links", path)
		}
		var to string
		if to, err = os.Readlink(at); err != nil {
			return nil, fmt.Errorf("%s: %w", at, words.Bare(err))
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(at) + "/" + to // not cleaned: .. counts from where a link leads
		}
		links--
		if info, err = walk(to, links); err == nil {
			at, err = filepath.EvalSymlinks(at)
		}
	}
	return info, err
}

// trusted looks at one part of a path: nobody but root and the daemon's user may own or
// write it. In a directory like /tmp others may write, but not replace what is not theirs.
func trusted(path string) (os.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, words.Bare(err))
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: its owner is not known", path)
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to user %d: it has to be root's or the daemon's: chown root %s", path, st.Uid, path)
	}
	if info.Mode()&os.ModeSymlink != 0 || info.IsDir() && info.Mode()&os.ModeSticky != 0 {
		return info, nil
	}
	switch perm := info.Mode().Perm(); {
	case perm&0o002 != 0:
		return nil, fmt.Errorf("%s can be written by everybody: chmod o-w %s", path, path)
	case perm&0o020 != 0 && st.Gid != 0 && int(st.Gid) != os.Getegid():
		return nil, fmt.Errorf("%s can be written by group %d: chmod g-w %s", path, st.Gid, path)
	}
	return info, nil
}
