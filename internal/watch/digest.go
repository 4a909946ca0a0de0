package watch

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxText = 1 << 20   // a longer file is no text that names others
	piece   = 128 << 10 // is read at a time
	breath  = 50 * time.Microsecond
)

// digest is of the content of a file, or of why it cannot be read.
func (t *tree) digest(path, real string, size int64, own bool) [sha256.Size]byte {
	f, err := os.OpenFile(real, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe that took its place must not block
	if err != nil {
		return unreadable(err)
	}
	defer f.Close()
	var text bytes.Buffer
	h := sha256.New()
	into := io.Writer(h)
	if own && t.cfg.Named != nil && size <= maxText {
		into = io.MultiWriter(h, &text)
	}
	if err := copyGently(into, io.LimitReader(f, maxBytes)); err != nil {
		return unreadable(err)
	}
	if text.Len() > 0 && bytes.IndexByte(text.Bytes(), 0) < 0 {
		t.named = append(t.named, t.cfg.Named(path, text.Bytes())...)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// copyGently leaves the processor to others now and then: the daemon's threads run under
// SCHED_RR, and on a host with one processor an advert would wait for a large file.
func copyGently(w io.Writer, r io.Reader) error {
	for {
		switch _, err := io.CopyN(w, r, piece); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		time.Sleep(breath)
	}
}

// unreadable stands for the content of what cannot be read.
func unreadable(err error) [sha256.Size]byte {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return sha256.Sum256([]byte("unreadable: " + err.Error()))
}
