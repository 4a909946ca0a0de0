package main

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// terminal is where a picture is drawn again and again; it is left as it was found. What is no
// terminal gets the pictures as text, one after another.
type terminal struct {
	in, out *os.File
	screen  bool          // it is one: pictures replace each other
	colours bool          // see no-color.org
	before  *unix.Termios // of in; nil: in is no terminal
	last    []byte        // the picture that is shown
}

// What a terminal understands (ECMA-48, and xterm's second screen).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l" // the second screen, no cursor, no wrapping
	leaveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearRight  = "\x1b[K"
	clearBelow  = "\x1b[J"
)

func openTerminal(in, out *os.File) (*terminal, error) {
	t := &terminal{in: in, out: out}
	if _, err := unix.IoctlGetTermios(int(out.Fd()), unix.TCGETS); err != nil || os.Getenv("TERM") == "dumb" {
		return t, nil
	}
	t.screen, t.colours = true, os.Getenv("NO_COLOR") == ""
	if before, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
		raw := *before
		raw.Lflag &^= unix.ICANON | unix.ECHO
		raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
		raw.Cc[unix.VSUSP] = 0 // _POSIX_VDISABLE: a stopped watch would leave the screen as it is
		if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &raw); err != nil {
			return nil, err
		}
		t.before = before
	}
	_, err := io.WriteString(out, enterScreen)
	if err != nil {
		t.close()
	}
	return t, err
}

// close leaves the terminal as it was.
func (t *terminal) close() {
	if t.screen {
		_, _ = io.WriteString(t.out, leaveScreen) // it may be gone
	}
	if t.before != nil {
		_ = unix.IoctlSetTermios(int(t.in.Fd()), unix.TCSETS, t.before)
	}
}

// keys are the bytes that are typed; nil: nobody types. Whoever reads them ends with the process.
func (t *terminal) keys() <-chan byte {
	if t.before == nil {
		return nil
	}
	keys := make(chan byte)
	go func() {
		defer close(keys)
		one := make([]byte, 1)
		for {
			if n, err := t.in.Read(one); err != nil || n == 0 {
				return
			}
			keys <- one[0]
		}
	}()
	return keys
}

// Sizes where the terminal tells none, and below which nothing is laid out.
const (
	usualWidth, usualHeight = 80, 24
	leastWidth, leastHeight = 20, 5
)

func (t *terminal) size() (width, height int) {
	ws, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ)
	if err != nil || ws.Col == 0 || ws.Row == 0 {
		return usualWidth, usualHeight
	}
	return max(int(ws.Col), leastWidth), max(int(ws.Row), leastHeight)
}

// textWidth is that of pictures that are no screens.
const textWidth = 120

// show draws a picture.
func (t *terminal) show(draw func(*pen)) error {
	if !t.screen {
		return t.print(draw)
	}
	width, height := t.size()
	p := &pen{width: width, height: height, colours: t.colours}
	draw(p)
	var b bytes.Buffer
	b.WriteString(home)
	for i, line := range p.fit() {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line)
		b.WriteString(clearRight)
	}
	b.WriteString(clearBelow)
	if bytes.Equal(b.Bytes(), t.last) {
		return nil
	}
	t.last = b.Bytes()
	_, err := t.out.Write(t.last)
	return err
}

// print writes a picture as text, below the one before.
func (t *terminal) print(draw func(*pen)) error {
	p := &pen{width: textWidth}
	draw(p)
	var b bytes.Buffer
	for _, line := range p.lines {
		b.WriteString(line + "\n")
	}
	if bytes.Equal(b.Bytes(), t.last) {
		return nil
	}
	if t.last != nil {
		b.WriteByte('\n')
	}
	t.last = b.Bytes()
	_, err := t.out.Write(b.Bytes())
	return err
}
