package program

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/pairkeeper/pairkeeper/internal/words"
)

const (
	maxOutput = 256 << 10 // that a program may print
	maxLines  = 500       // that are told
	keptTail  = 512       // of which the last line is kept; a longer line is told in pieces
)

// output keeps the end of what a program prints. Too much of it ends the program or,
// where its lines are told, is not told.
type output struct {
	full func()
	line func(string) // nil: nobody wants the lines

	mu       sync.Mutex
	n, lines int
	tail     []byte
	rest     []byte // of a line that has not ended
	over     bool   // the program was ended for it
	closed   bool
}

var errFlooded = errors.New("too much output")

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += len(p)
	switch {
	case o.closed:
		return len(p), nil
	case o.n > maxOutput && o.line == nil:
		o.over = true
		o.full()
		return 0, errFlooded
	case o.line != nil:
		o.split(p)
	}
	o.tail = append(o.tail, p...)
	if over := len(o.tail) - keptTail; over > 0 {
		o.tail = append(o.tail[:0], o.tail[over:]...)
	}
	return len(p), nil
}

// split tells the lines that have ended.
func (o *output) split(p []byte) {
	if o.n > maxOutput {
		o.lines = max(o.lines, maxLines)
	}
	for len(p) > 0 && o.lines <= maxLines {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			end = len(p)
		}
		end = min(end, keptTail-len(o.rest))
		o.rest = append(o.rest, p[:end]...)
		p = p[end:]
		if len(o.rest) >= keptTail || o.rest[len(o.rest)-1] == '\n' {
			o.tell()
		}
	}
}

// tell tells what there is of a line.
func (o *output) tell() {
	text := bytes.TrimSpace(o.rest)
	o.rest = o.rest[:0]
	switch {
	case len(text) == 0 || o.lines > maxLines:
		return
	case o.lines == maxLines:
		o.line(fmt.Sprintf("prints more than %d lines or %d KiB: the rest is not shown", maxLines, maxOutput>>10))
	default:
		o.line(words.Visible(string(text)))
	}
	o.lines++
}

// close tells a last line that did not end; nothing is told from now on.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.line != nil {
		o.tell()
	}
	o.closed = true
}

func (o *output) flooded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

// last is the last line that is not empty.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := bytes.TrimSpace(o.tail)
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return string(bytes.TrimSpace(text))
}
