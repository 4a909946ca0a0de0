package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A story is a text: lines `TIME NODE FAULT` or `TIME end`, `set KEY VALUE` before
// them, and comments with #. What follows a line of dashes is what is expected.
//
// A story of the fault matrix has a line for each advert interval that it is played with:
//
//	bound 200ms two 0s none 650ms moves 1
//
// two and none are the most that may be, in all, from the first fault after the start on:
// seconds with two holders, and seconds without anybody who serves; all is no bound.

// script is a story that has been read.
type script struct {
	pair   *Pair
	bounds []bound
	lines  []scriptLine
}

type scriptLine struct {
	number    int
	at        time.Duration
	who, what string // empty: the end
}

// bound is what may come of a story with some advert interval.
type bound struct {
	interval  time.Duration
	two, none time.Duration // unbounded: all
	moves     int
}

// unbounded is the bound of what lasts for as long as the fault.
const unbounded = time.Duration(1<<63 - 1)

// read reads a story.
func read(story string) (*script, error) {
	s := &script{pair: DefaultPair()}
	for i, text := range strings.Split(story, "\n") {
		words := strings.Fields(text)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := s.line(i+1, words); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return s, nil
}

func (s *script) line(number int, words []string) error {
	switch words[0] {
	case "set":
		return s.pair.set(words[1:])
	case "bound":
		b, err := readBound(words[1:])
		s.bounds = append(s.bounds, b)
		return err
	}
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	if len(words) < 2 {
		return fmt.Errorf("nothing happens at %s", at)
	}
	l := scriptLine{number: number, at: at, who: words[1], what: strings.Join(words[2:], " ")}
	if l.who == "end" {
		l.who = ""
	}
	s.lines = append(s.lines, l)
	return nil
}

func readBound(words []string) (b bound, err error) {
	if len(words) != 7 || words[1] != "two" || words[3] != "none" || words[5] != "moves" {
		return b, fmt.Errorf("bound wants: INTERVAL two TIME none TIME moves NUMBER")
	}
	times := []*time.Duration{&b.interval, &b.two, &b.none}
	for i, word := range []string{words[0], words[2], words[4]} {
		if *times[i] = unbounded; word != "all" {
			*times[i], err = time.ParseDuration(word)
		}
		if err != nil {
			return b, err
		}
	}
	b.moves, err = strconv.Atoi(words[6])
	return b, err
}

// play runs a story in a world. What comes after the start is later by a phase, and Mark is
// set before it.
func (s *script) play(w *World, phase time.Duration) error {
	begun := slices.IndexFunc(s.lines, func(l scriptLine) bool { return l.at > 0 })
	for i, l := range s.lines {
		at := l.at
		if begun >= 0 && i >= begun {
			at += phase
		}
		w.RunUntil(at)
		if i == begun {
			w.Mark()
		}
		if l.who == "" {
			continue
		}
		if err := w.Happen(l.who, l.what); err != nil {
			return fmt.Errorf("line %d: %w", l.number, err)
		}
	}
	return nil
}

// world is a new one with the story's pair.
func (s *script) world(seed uint64) *World {
	return New(seed, s.pair.Node("lb01"), s.pair.Node("lb02"))
}

// Tell runs a story and returns its trace and summary.
func Tell(story string) (string, error) {
	s, err := read(story)
	if err != nil {
		return "", err
	}
	w := s.world(1)
	if err := s.play(w, 0); err != nil {
		return "", err
	}
	return w.Trace() + w.ledger.summary() + "\n", nil
}
