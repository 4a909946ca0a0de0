package probesnet

import (
	"bytes"
	"errors"
	"sync"
)

const (
	maxOutput = 256 << 10 // that a program may print
	keptTail  = 512       // of which the last line is told
)

// output keeps the end of what a program prints, and ends it when that is too much.
type output struct {
	full func()

	mu   sync.Mutex
	n    int
	tail []byte
}

var errFlooded = errors.New("too much output")

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += len(p)
	if o.n > maxOutput {
		o.full()
		return 0, errFlooded
	}
	o.tail = append(o.tail, p...)
	if over := len(o.tail) - keptTail; over > 0 {
		o.tail = append(o.tail[:0], o.tail[over:]...)
	}
	return len(p), nil
}

func (o *output) flooded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n > maxOutput
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
