package watch

import (
	"errors"
	"fmt"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// notifier is how the kernel tells of changes. A nil one tells nothing.
type notifier struct {
	inotify *fsnotify.Watcher
	added   map[string]bool
}

func newNotifier(open func() (*fsnotify.Watcher, error)) (*notifier, error) {
	w, err := open()
	if err != nil {
		return nil, err
	}
	return &notifier{inotify: w, added: map[string]bool{}}, nil
}

// add has the kernel tell of what happens in more directories; one that is gone, or may not
// be read, is left out. It tells whether there were any that it did not tell of before.
func (n *notifier) add(directories []string) (more bool, err error) {
	for _, dir := range directories {
		if n.added[dir] {
			continue
		}
		n.added[dir], more = true, true
		if err := n.inotify.Add(dir); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEM) {
			return more, err
		}
	}
	return more, nil
}

func (n *notifier) events() <-chan fsnotify.Event {
	if n == nil {
		return nil
	}
	return n.inotify.Events
}

func (n *notifier) errors() <-chan error {
	if n == nil {
		return nil
	}
	return n.inotify.Errors
}

func (n *notifier) close() {
	if n != nil {
		_ = n.inotify.Close() // of a descriptor that is only read
	}
}

// remedy says what to do about a kernel that does not want to tell.
func remedy(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return "the kernel has no watch left (fs.inotify.max_user_watches): raise it with sysctl"
	case errors.Is(err, unix.EMFILE):
		return "the kernel has no inotify instance left (fs.inotify.max_user_instances): raise it with sysctl"
	}
	return fmt.Sprintf("inotify: %v", err)
}
