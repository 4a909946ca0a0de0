package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// exitData is for a file that is not what it should be (sysexits).
const exitData = 65

// stateTrace is where the service of systemd keeps its trace.
const stateTrace = "/var/lib/pairkeeper/trace"

// traceFiles are the files that some arguments name; a folder stands for its segments.
func traceFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, failure{exitUnavailable, fmt.Errorf("%s: there is no such file or folder", arg)}
		case err != nil:
			return nil, failure{exitPermission, err}
		case !info.IsDir():
			files = append(files, arg)
			continue
		}
		list, err := daemon.TraceSegments(arg)
		if err != nil {
			return nil, failure{exitPermission, err}
		}
		if len(list) == 0 {
			return nil, failure{exitUnavailable, fmt.Errorf("%s: there is no trace in it: is recorder: off in the configuration, or has the daemon not run yet?", arg)}
		}
		files = append(files, list...)
	}
	return files, nil
}

// traceFolder is where the daemon of a control socket keeps its trace.
func traceFolder(socket string) string {
	beside := filepath.Join(filepath.Dir(socket), "trace")
	unit, service := strings.CutPrefix(filepath.Dir(socket), "/run/pairkeeper") // or that of an instance
	if list, err := daemon.TraceSegments(beside); err == nil && len(list) > 0 || !service {
		return beside
	}
	return filepath.Join("/var/lib/pairkeeper"+unit, "trace")
}

// openTrace opens a segment; the error names the file and the place in it.
func openTrace(file string) (*trace.Segment, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, failure{exitPermission, err}
	}
	s, err := trace.Open(data)
	if err != nil {
		return nil, failure{exitData, fmt.Errorf("%s: %w", file, err)}
	}
	return s, nil
}

// cut tells that a file only ends too early, as one does whose daemon was killed or writes.
func cut(err error) bool {
	d, ok := errors.AsType[*trace.Damage](err)
	return ok && d.Cut
}
