package demo

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// witness collects what the client sees, as package onlooker prints it.
type witness struct {
	mu      sync.Mutex
	samples []sample        // in the order they ended
	twos    []time.Duration // rounds of the census with two holders
}

// sample is one request.
type sample struct {
	asked, ended time.Duration
	who          string
}

func newWitness(client *netlab.Host) (*witness, error) {
	cmd := exec.Command(program, "demo", "client")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	client.Start(cmd)
	w := &witness{}
	go w.read(out)
	return w, nil
}

func (w *witness) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		w.take(lines.Text())
	}
}

func (w *witness) take(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s sample
	if _, err := fmt.Sscanf(line, "r %d %d %s", &s.asked, &s.ended, &s.who); err == nil {
		w.samples = append(w.samples, s)
		return
	}
	var at time.Duration
	var holders int
	if _, err := fmt.Sscanf(line, "a %d %d", &at, &holders); err == nil && holders > 1 {
		w.twos = append(w.twos, at)
	}
}

// served tells that a node answers now, and did so to a request asked after t.
func (w *witness) served(who string, t time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.samples)
	if n == 0 {
		return false
	}
	last := w.samples[n-1]
	return last.who == who && last.asked >= t && now()-last.ended < onlooker.AnswerWithin
}

// sight is what the client saw for a while.
type sight struct {
	silent time.Duration // without an answer
	lost   int           // requests
	two    time.Duration // with two nodes answering ARP for the virtual address
}

func (w *witness) between(from, to time.Duration) sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := outage(w.samples, from, to)
	for _, at := range w.twos {
		if from <= at && at < to {
			s.two += onlooker.CountEvery
		}
	}
	return s
}

// outage adds up the gaps between answers in which requests were lost. A gap without a
// lost request is a client that was not given a processor.
func outage(samples []sample, from, to time.Duration) sight {
	answers := []time.Duration{from}
	for _, s := range samples {
		switch {
		case s.who == onlooker.Nobody || s.ended > to:
		case s.ended <= from:
			answers[0] = s.ended
		default:
			answers = append(answers, s.ended)
		}
	}
	answers = append(answers, to)
	slices.Sort(answers)
	var sum sight
	counted := map[int]bool{}
	for _, s := range samples {
		if s.who != onlooker.Nobody || s.asked < answers[0] || s.asked >= to {
			continue
		}
		sum.lost++
		// The first answer after it was asked ended the gap.
		gap, _ := slices.BinarySearch(answers, s.asked+1)
		if !counted[gap] {
			counted[gap] = true
			sum.silent += answers[gap] - answers[gap-1]
		}
	}
	return sum
}
