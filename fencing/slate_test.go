package fencing

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestASlateSurvivesTheDisk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Slate{Node: rapid.StringN(1, 60, 255).Draw(t, "node"), Writes: rapid.Uint64().Draw(t, "writes")}
		for range rapid.IntRange(0, 300).Draw(t, "flags") {
			s.Set(rapid.Uint64Range(0, 200).Draw(t, "lease"), rapid.Bool().Draw(t, "up"))
		}
		b, err := s.Append(nil, pairKey)
		if err != nil {
			t.Fatal(err)
		}
		on := append(bytes.Clone(b), make([]byte, rapid.IntRange(0, 5000).Draw(t, "rest"))...)
		var got Slate
		if r := got.Parse(on, []Key{{ID: 9, Secret: []byte("another")}, pairKey}); r != "" {
			t.Fatal(r)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Fatal(diff)
		}
		on[rapid.IntRange(5, len(b)-1).Draw(t, "at")] ^= 1
		if r := got.Parse(on, []Key{pairKey}); r == "" {
			t.Fatal("half a slate is taken for one")
		}
	})
}

func TestAnEmptyDiskIsAnEmptySlate(t *testing.T) {
	s := Slate{Node: "lb01"}
	if r := s.Parse(make([]byte, SlateSize), []Key{pairKey}); r != "" || s.Node != "" || s.Flag(7).Up {
		t.Errorf("%s %+v", r, s)
	}
	if r := s.Parse([]byte("#!/bin/sh\necho what is this?\n"), []Key{pairKey}); r != RefusalGarbage {
		t.Error(r)
	}
}

func TestAsManyLeasesAsTheRoutersFitIntoASlate(t *testing.T) {
	s := Slate{Node: string(bytes.Repeat([]byte("n"), maxName))}
	for i := range MaxFlags {
		s.Flags = append(s.Flags, Flag{Lease: uint64(i)})
	}
	if b, err := s.Append(nil, pairKey); err != nil || len(b) > SlateSize {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	s.Set(MaxFlags, true)
	if _, err := s.Append(nil, pairKey); err == nil {
		t.Error("one more is written")
	}
}

func TestAFlagThatDoesNotMoveIsADeadNodes(t *testing.T) {
	w, now := Watch{}, time.Unix(1000, 0)
	free := func(f Flag) bool { return w.Free(now, f, 2*time.Second) }
	up := Flag{Lease: 1, Counter: 5, Up: true}
	if free(up) {
		t.Error("at first sight")
	}
	now = now.Add(2200 * time.Millisecond)
	if free(up) {
		t.Error("after a lease and its guard")
	}
	now = now.Add(1)
	if !free(up) {
		t.Error("it is still waited for")
	}
	if up.Counter++; free(up) {
		t.Error("it moved")
	}
	if up.Up = false; !free(up) {
		t.Error("it is down")
	}
}

func FuzzSlate(f *testing.F) {
	s := Slate{Node: "lb01", Flags: []Flag{{1, 2, true}}}
	b, err := s.Append(nil, pairKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:len(b)-macLen])
	f.Fuzz(func(t *testing.T, body []byte) {
		var s Slate
		if s.Parse(append(bytes.Clone(body), sum(body, pairKey)...), []Key{pairKey}) == "" && len(s.Flags) > 0 && s.Node == "" {
			t.Fatalf("%+v", s)
		}
	})
}
