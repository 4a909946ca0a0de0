package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// TraceFolder is where a daemon with a control socket keeps its trace: in the state folder
// that systemd gives it, else beside the socket. Empty: nowhere.
func TraceFolder(socket string) string {
	state, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if state != "" {
		return filepath.Join(state, traceFolder)
	}
	return beside(socket, traceFolder)
}

const (
	traceFolder = "trace"
	traceSuffix = ".trace"
)

// newTraceFiles begins to write a trace of a size into a folder.
func newTraceFiles(folder string, size int64, problem func(error)) *traceFiles {
	f := &traceFiles{folder: folder, pieces: make(chan piece, piecesWaiting), done: make(chan struct{}), problem: problem}
	f.size.Store(size)
	go f.run()
	return f
}

// close ends it as soon as what waits is written.
func (f *traceFiles) close() {
	if f != nil {
		close(f.pieces)
	}
}

// endTime is how long the end waits for a disk that is slow: the next daemon may have to
// begin soon.
const endTime = 250 * time.Millisecond

// wait waits until it has ended.
func (f *traceFiles) wait() {
	if f == nil {
		return
	}
	select {
	case <-f.done:
	case <-time.After(endTime):
	}
}

// run writes until close.
func (f *traceFiles) run() {
	defer close(f.done)
	var file *os.File
	var lock *os.File
	defer func() {
		for _, open := range []*os.File{file, lock} {
			if open != nil {
				open.Close()
			}
		}
	}()
	for p := range f.pieces {
		if p.begins && file != nil {
			file.Close()
			file = nil
		}
		if file == nil && !p.begins {
			continue // of a segment that broke off
		}
		var err error
		if lock == nil {
			lock, err = lockFolder(f.folder)
		}
		if err == nil {
			file, err = f.write(file, p.data)
		}
		if err != nil {
			f.fail(err)
			if file != nil {
				file.Close()
				file = nil
			}
		}
	}
}

// write writes a chunk; where file is nil to a new one.
func (f *traceFiles) write(file *os.File, data []byte) (*os.File, error) {
	current := ""
	if file != nil {
		current = file.Name()
	}
	next, err := f.makeRoom(current, int64(len(data)))
	if err != nil {
		return file, err
	}
	if file == nil {
		if file, err = os.OpenFile(filepath.Join(f.folder, fmt.Sprintf("%08d%s", next, traceSuffix)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640); err != nil {
			return nil, err
		}
	}
	_, err = file.Write(data)
	return file, err
}

// makeRoom removes the oldest segments until so many bytes more fit, and returns the number
// of the next one. The current one stays.
func (f *traceFiles) makeRoom(current string, more int64) (next int, err error) {
	list, err := TraceSegments(f.folder)
	if err != nil {
		return 0, err
	}
	total := more
	sizes := make([]int64, len(list))
	for i, name := range list {
		if info, err := os.Stat(name); err == nil {
			sizes[i] = info.Size()
			total += sizes[i]
		}
		if n, ok := segmentNumber(name); ok {
			next = n + 1
		}
	}
	for i, name := range list {
		if total <= f.size.Load() || name == current {
			break
		}
		if err := os.Remove(name); err != nil {
			return next, err
		}
		total -= sizes[i]
	}
	return next, nil
}

// fail has somebody told, once a minute.
func (f *traceFiles) fail(err error) {
	f.broken.Store(true)
	if now := time.Now(); now.Sub(f.told) >= time.Minute {
		f.told = now
		f.problem(err)
	}
}

// lockFolder makes the folder and keeps other daemons out for as long as the file is open.
func lockFolder(folder string) (*os.File, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("%s: another daemon writes its trace there", folder)
		}
		return nil, err
	}
	return d, nil
}

// TraceSegments are the files of a trace, the oldest first.
func TraceSegments(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder) // sorted
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		if _, ok := segmentNumber(e.Name()); ok {
			list = append(list, filepath.Join(folder, e.Name()))
		}
	}
	return list, nil
}

func segmentNumber(name string) (int, bool) {
	digits, ok := strings.CutSuffix(filepath.Base(name), traceSuffix)
	if !ok || len(digits) != 8 {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0
}
