package daemon

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// mailbox carries events to the loop, whose poll its descriptor wakes. Sending never
// blocks.
type mailbox struct {
	fd      int
	ended   chan struct{} // closed when nobody reads any more
	mu      sync.Mutex
	closed  bool
	letters []letter
}

// letter is an event, or a question that the loop answers itself.
type letter struct {
	event supervisor.Event
	ask   func()
}

func newMailbox() (*mailbox, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &mailbox{fd: fd, ended: make(chan struct{})}, nil
}

// tell sends events, which arrive together.
func (m *mailbox) tell(evs ...supervisor.Event) {
	letters := make([]letter, len(evs))
	for i, ev := range evs {
		letters[i] = letter{event: ev}
	}
	m.put(letters...)
}

// ask has the loop's thread do something and waits for it; false: the loop has ended.
func (m *mailbox) ask(do func()) bool {
	done := make(chan struct{})
	m.put(letter{ask: func() { do(); close(done) }})
	select {
	case <-done:
		return true
	case <-m.ended:
		return false
	}
}

func (m *mailbox) put(letters ...letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.letters = append(m.letters, letters...)
	one := [8]byte{1}
	if _, err := unix.Write(m.fd, one[:]); err != nil && !errors.Is(err, unix.EAGAIN) {
		panic("eventfd: " + err.Error()) // only a closed descriptor
	}
}

// close ends those who wait for an answer; what is sent from now on is dropped.
func (m *mailbox) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.letters = true, nil
	close(m.ended)
	return unix.Close(m.fd)
}

// take empties the mailbox.
func (m *mailbox) take() []letter {
	var buf [8]byte
	_, _ = unix.Read(m.fd, buf[:]) // EAGAIN: nothing was sent since
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.letters
	m.letters = nil
	return all
}
