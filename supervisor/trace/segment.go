package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Damage is why a file cannot be read any further.
type Damage struct {
	Offset int64 // where in the file
	What   string
	Cut    bool // the file only ends too early: the daemon was killed, or is writing
}

// Error says where and what.
func (d *Damage) Error() string { return fmt.Sprintf("at byte %d: %s", d.Offset, d.What) }

// Segment is a file that is read.
type Segment struct {
	Begin   Begin
	Ended   bool // the daemon said that it ends
	data    []byte
	at      int
	types   []wireType
	known   [][]byte
	beats   beats
	strange map[string]bool
	left    int // parts of values that may still be read
	last    int64
	ahead   time.Duration
	records reader
	base    int // where the records begin in the file
	broken  error
}

// Step is an event that was recorded, with its answer.
type Step struct {
	At, Wall time.Time
	Event    supervisor.Event // nil: this version does not know it
	Answer   Answer
}

// Open reads the beginning of a segment. The error is a *Damage.
func Open(data []byte) (*Segment, error) {
	s := &Segment{data: data, at: len(magic), beats: beats{}, strange: map[string]bool{}, left: partsPerByte * len(data)}
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		what := "this is not a trace of pairkeeper"
		if len(data) == 0 {
			what = "the file is empty"
		}
		return nil, &Damage{What: what, Cut: len(data) < len(magic) && string(data) == magic[:len(data)]}
	}
	for s.broken == nil {
		kind, ok := s.record()
		switch {
		case !ok:
			return nil, s.unbegun()
		case kind == recTypes:
			s.types = s.records.types(s.types)
		case kind == recBegin:
			s.begin()
			if s.check() {
				return s, nil
			}
		default:
			s.records.fail("the first record is none that begins a trace")
		}
		s.check()
	}
	return nil, s.unbegun()
}

// unbegun is why there is no beginning.
func (s *Segment) unbegun() error {
	if err := s.Err(); err != nil {
		return err
	}
	return &Damage{Offset: int64(s.at), What: "the file has no record that begins it", Cut: true}
}

// Err is why Next ended: nil at the end of the file, else a *Damage.
func (s *Segment) Err() error {
	if s.broken == nil || errors.Is(s.broken, errEnd) {
		return nil
	}
	return s.broken
}

// Strange names what the file has and this version does not know.
func (s *Segment) Strange() []string { return slices.Sorted(maps.Keys(s.strange)) }

var errEnd = errors.New("the end")

// record goes to the next record; false: there is none.
func (s *Segment) record() (kind byte, ok bool) {
	for s.broken == nil && s.records.rest() == 0 {
		s.chunk()
	}
	if s.broken != nil {
		return 0, false
	}
	return s.records.byte(), true
}

// chunk goes to the next chunk.
func (s *Segment) chunk() {
	cut := func(what string) { s.broken = &Damage{Offset: int64(s.at), What: what, Cut: true} }
	rest := s.data[s.at:]
	switch {
	case len(rest) == 0:
		s.broken = errEnd
		return
	case len(rest) < 8:
		cut("the file ends in the middle of a record")
		return
	}
	n, sum := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
	switch {
	case n == 0 || n > maxChunk:
		s.broken = &Damage{Offset: int64(s.at), What: fmt.Sprintf("a record cannot have %d bytes", n)}
	case uint64(n) > uint64(len(rest)-8):
		cut("the file ends in the middle of a record")
	case crc32.Checksum(rest[8:8+n], castagnoli) != sum:
		s.broken = &Damage{Offset: int64(s.at), What: "a record is damaged: its checksum is another"}
	default:
		s.base = s.at + 8
		s.records = reader{data: rest[8 : 8+n]}
		s.at += 8 + int(n)
	}
}

// check turns what is wrong with a record into damage; true: nothing is.
func (s *Segment) check() bool {
	if s.records.err != nil && s.broken == nil {
		s.broken = &Damage{Offset: int64(s.base), What: s.records.err.Error()}
	}
	return s.broken == nil
}

func (s *Segment) begin() {
	r := reader{data: s.records.bytes(s.records.count())}
	d := s.decoder(&r)
	d.decode(&s.Begin)
	if r.err == nil && s.Begin.Config == nil {
		r.fail("there is no configuration")
	}
	if r.err != nil {
		s.records.fail(r.err.Error())
		return
	}
	s.last, s.ahead = s.Begin.At.UnixNano(), s.Begin.Wall.Sub(s.Begin.At)
}

// named reads an event that is written by names.
func (s *Segment) named(r *reader, ev *supervisor.Event) {
	d := s.decoder(r)
	typ := d.uint()
	if typ >= uint64(len(s.types)) {
		d.fail("an event of a type that is not in the file")
		return
	}
	name := s.types[typ].name
	known, ok := registry[name]
	if !ok || !known.Implements(eventType) {
		d.odd("%s is not known to this version", name)
		d.read(typ, noValue)
		return
	}
	v := newValue(known)
	d.read(typ, v)
	if d.err == nil {
		*ev = v.Interface().(supervisor.Event)
	}
}

// Next is the next step; false: there is none, see Err.
func (s *Segment) Next() (step Step, ok bool) {
	for {
		kind, ok := s.record()
		if !ok {
			return step, false
		}
		switch kind & 0x0f {
		case recTypes:
			s.types = s.records.types(s.types)
		case recClock:
			s.ahead = time.Duration(s.records.int())
		case recEnd:
			s.Ended = true
		case recStep, recAgain:
			step = s.step(kind)
			if s.check() {
				return step, true
			}
		default:
			s.records.fail(fmt.Sprintf("a record of kind %d, which this version does not know", kind&0x0f))
		}
		if !s.check() {
			return step, false
		}
	}
}

func (s *Segment) step(kind byte) (step Step) {
	r := &s.records
	s.last += r.int()
	step.At = time.Unix(0, s.last).UTC()
	step.Wall = step.At.Add(s.ahead)
	var bytes []byte
	if kind&0x0f == recAgain {
		n := r.uint()
		if n >= uint64(len(s.known)) {
			r.fail("an event again that was not there before")
			return step
		}
		bytes = s.known[n]
	} else {
		bytes = r.bytes(r.count())
		if len(s.known) < maxKnown {
			s.known = append(s.known, bytes)
		}
	}
	one := reader{data: bytes}
	step.Event = s.event(&one)
	if beat, ok := step.Event.(supervisor.HeartbeatHeard); ok {
		s.beats.read(r, &beat)
		step.Event = beat
	}
	if one.err != nil {
		r.fail(one.err.Error())
	}
	if kind&flagAnswered != 0 {
		if b := r.bytes(4); b != nil {
			step.Answer.Sum = binary.LittleEndian.Uint32(b)
		}
	}
	if kind&flagLines != 0 {
		step.Answer.Lines = r.lines()
	}
	return step
}
