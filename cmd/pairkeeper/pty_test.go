package main

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tty is a terminal with a program in it, and somebody who looks at it.
type tty struct {
	*testing.T
	cmd    *exec.Cmd
	master *os.File
	before unix.Termios
	ended  chan struct{}

	mu   sync.Mutex
	raw  bytes.Buffer
	rows []string
	row  int
	used bool // the second screen is shown
}

// inTTY runs a program in a terminal of a size.
func inTTY(t *testing.T, cmd *exec.Cmd, cols, rows uint16) *tty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	y := &tty{T: t, cmd: cmd, master: master, ended: make(chan struct{}), rows: make([]string, 200)}
	y.resize(cols, rows)
	before, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	y.before = *before
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		y.look()
	}()
	go func() { _ = cmd.Wait(); close(y.ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-y.ended
		_ = slave.Close()
		<-read // the last one who had it open has closed it
		_ = master.Close()
	})
	return y
}

func (y *tty) resize(cols, rows uint16) {
	y.Helper()
	if err := unix.IoctlSetWinsize(int(y.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows}); err != nil {
		y.Fatal(err)
	}
}

func (y *tty) types(keys string) {
	y.Helper()
	if _, err := y.master.WriteString(keys); err != nil {
		y.Fatal(err)
	}
}

// look reads what the program writes, until it has closed the terminal.
func (y *tty) look() {
	buf := make([]byte, 4096)
	left := ""
	for {
		n, err := y.master.Read(buf)
		y.mu.Lock()
		y.raw.Write(buf[:n])
		left = y.obey(left + string(buf[:n]))
		y.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// obey draws, as far as status --watch needs a terminal; what it returns is not complete yet.
func (y *tty) obey(s string) string {
	for s != "" {
		switch s[0] {
		case '\r':
			s = s[1:]
		case '\n':
			y.row++
			y.rows[y.row] = ""
			s = s[1:]
		case 0x1b:
			end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= '@' && r <= '~' && r != '[' })
			if end < 0 {
				return s
			}
			switch code := s[1 : end+2]; code {
			case "[H":
				y.row, y.rows[0] = 0, ""
			case "[J":
				clear(y.rows[y.row+1:])
			case "[?1049h", "[?1049l":
				y.used = code == "[?1049h"
				clear(y.rows)
				y.row = 0
			}
			s = s[end+2:]
		default:
			end := strings.IndexAny(s, "\r\n\x1b")
			if end < 0 {
				end = len(s)
			}
			y.rows[y.row] += s[:end]
			s = s[end:]
		}
	}
	return ""
}

// picture is what the terminal shows.
func (y *tty) picture() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return strings.TrimRight(strings.Join(y.rows, "\n"), "\n")
}

func (y *tty) until(what string, ok func(picture string) bool) string {
	y.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		p := y.picture()
		if ok(p) {
			return p
		}
		if time.Now().After(end) {
			y.Fatalf("not within %s: %s:\n%s", soon, what, p)
		}
	}
}

// shows waits for words, in this order.
func (y *tty) shows(words ...string) string {
	y.Helper()
	return y.until(strings.Join(words, " … "), func(p string) bool {
		for _, w := range words {
			_, after, found := strings.Cut(p, w)
			if !found {
				return false
			}
			p = after
		}
		return true
	})
}

// ends waits for the program's end and tells whether the terminal is as it was.
func (y *tty) ends() {
	y.Helper()
	select {
	case <-y.ended:
	case <-time.After(soon):
		y.Fatal("it does not end")
	}
	if code := y.cmd.ProcessState.ExitCode(); code != 0 {
		y.Errorf("it ended with %d", code)
	}
	now, err := unix.IoctlGetTermios(int(y.master.Fd()), unix.TCGETS)
	if err != nil || *now != y.before {
		y.Errorf("the terminal is not as it was: %v, %+v, before %+v", err, now, y.before)
	}
	y.until("the first screen, with its cursor", func(string) bool {
		y.mu.Lock()
		defer y.mu.Unlock()
		return !y.used && strings.HasSuffix(y.raw.String(), leaveScreen)
	})
}
