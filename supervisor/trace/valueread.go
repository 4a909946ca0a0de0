package trace

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// What a crafted file can ask for: so many parts of values for each of its bytes, and so
// deep. A probe's look that is written again takes 6 bytes, and has 8 parts.
const (
	partsPerByte = 16
	maxDepth     = 64
)

// decoder reads one value. Fields are found by their names: what this version does not have
// is skipped and named in strange, what the other one had not stays zero.
type decoder struct {
	*reader
	types   []wireType
	known   map[string]reflect.Type // what an interface may hold
	seen    []reflect.Value         // by number; the zero Value: of a type that is not known here
	strange map[string]bool
	left    *int // parts
	depth   int
}

func (s *Segment) decoder(r *reader) *decoder {
	return &decoder{reader: r, types: s.types, known: registry, strange: s.strange, left: &s.left}
}

// decode reads a value that value wrote into v, a pointer.
func (d *decoder) decode(v any) {
	d.read(d.uint(), reflect.ValueOf(v).Elem())
}

func (d *decoder) odd(format string, args ...any) { d.strange[fmt.Sprintf(format, args...)] = true }

// read reads a value of a type of the segment; an invalid v: to skip it.
func (d *decoder) read(typ uint64, v reflect.Value) {
	if typ >= uint64(len(d.types)) {
		d.fail("a value of a type that is not in the file")
	}
	if d.depth++; d.depth > maxDepth {
		d.fail("a value is too deep")
	}
	if *d.left--; *d.left < 0 {
		d.fail("a value has too many parts")
	}
	if d.err != nil {
		return
	}
	t := &d.types[typ]
	if v.IsValid() {
		if k, ok := kindOf(v.Type()); !ok || k != t.kind {
			d.odd("%s was recorded as another kind of value", v.Type())
			v = reflect.Value{}
		}
	}
	d.kind(t, v)
	d.depth--
}

func (d *decoder) kind(t *wireType, v reflect.Value) {
	ok := v.IsValid()
	switch t.kind {
	case kindBool:
		if b := d.byte(); ok {
			v.SetBool(b != 0)
		}
	case kindInt:
		if n := d.int(); ok && !v.OverflowInt(n) {
			v.SetInt(n)
		}
	case kindUint:
		if n := d.uint(); ok && !v.OverflowUint(n) {
			v.SetUint(n)
		}
	case kindFloat:
		if b := d.bytes(8); ok && b != nil {
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case kindString:
		if s := d.text(); ok {
			v.SetString(s)
		}
	case kindBytes:
		d.blob(v)
	case kindTime:
		sec, nsec := d.int(), d.uint()
		if ok && d.err == nil {
			v.Set(reflect.ValueOf(time.Unix(sec, int64(nsec%uint64(time.Second))).UTC()))
		}
	case kindAddr:
		b := d.bytes(d.count())
		if ok && v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(b) != nil {
			d.fail("an address that is none")
		}
	default:
		d.compound(t, v)
	}
}

// elements is how many follow of what may be nil; false: it is nil, or the record is broken.
func (d *decoder) elements() (int, bool) {
	n := d.uint()
	if n == 0 {
		return 0, false
	}
	if n-1 > uint64(d.rest()) {
		d.fail("a record counts more than it has")
		return 0, false
	}
	return int(n - 1), true
}

func (d *decoder) blob(v reflect.Value) {
	n, ok := d.elements()
	if !ok {
		return
	}
	b := d.bytes(n)
	switch {
	case !v.IsValid():
	case v.Kind() == reflect.Slice:
		v.SetBytes(slices.Clone(b))
		if len(b) == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
	default:
		reflect.Copy(v, reflect.ValueOf(b))
	}
}

func (d *decoder) compound(t *wireType, v reflect.Value) {
	switch t.kind {
	case kindStruct:
		d.fields(t, v)
	case kindSlice:
		d.slice(t, v)
	case kindArray:
		n := d.count()
		for i := range n {
			var e reflect.Value
			if v.IsValid() && i < v.Len() {
				e = v.Index(i)
			}
			d.read(t.elem, e)
			if d.err != nil {
				return
			}
		}
	case kindMap:
		d.entries(t, v)
	case kindPtr:
		d.pointer(t, v)
	case kindAny:
		d.any(v)
	}
}

func (d *decoder) fields(t *wireType, v reflect.Value) {
	bits := d.bytes(bitmap(len(t.fields)))
	for i, f := range t.fields {
		if d.err != nil {
			return
		}
		if bits[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		d.read(f.typ, d.field(t, v, f.name))
	}
}

// field is where a field goes; invalid: there is none here.
func (d *decoder) field(t *wireType, v reflect.Value, name string) reflect.Value {
	if !v.IsValid() {
		return reflect.Value{}
	}
	f, ok := v.Type().FieldByName(name)
	if !ok || len(f.Index) != 1 {
		d.odd("%s.%s is not known to this version", t.name, name)
		return reflect.Value{}
	}
	return opened(v, &field{index: f.Index[0], hidden: !f.IsExported()})
}

func (d *decoder) slice(t *wireType, v reflect.Value) {
	n, ok := d.elements()
	if !ok {
		return
	}
	if v.IsValid() {
		v.Set(reflect.MakeSlice(v.Type(), 0, min(n, 64)))
	}
	for range n {
		var e reflect.Value
		if v.IsValid() {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			e = v.Index(v.Len() - 1)
		}
		d.read(t.elem, e)
		if d.err != nil {
			return
		}
	}
}

func (d *decoder) entries(t *wireType, v reflect.Value) {
	n, ok := d.elements()
	if !ok {
		return
	}
	if v.IsValid() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for range n {
		var key, elem reflect.Value
		if v.IsValid() {
			key, elem = reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		}
		d.read(t.key, key)
		d.read(t.elem, elem)
		if d.err != nil {
			return
		}
		if v.IsValid() {
			if !key.Comparable() {
				d.fail("a key that cannot be one")
				return
			}
			v.SetMapIndex(key, elem)
		}
	}
}

func (d *decoder) pointer(t *wireType, v reflect.Value) {
	switch n := d.uint(); {
	case n == 0:
	case n == 1:
		var e reflect.Value
		if v.IsValid() {
			p := reflect.New(v.Type().Elem())
			v.Set(p)
			e = p.Elem()
		}
		d.seen = append(d.seen, e)
		d.read(t.elem, e)
	case n-2 >= uint64(len(d.seen)):
		d.fail("a reference to nothing")
	default:
		if e := d.seen[n-2]; v.IsValid() && e.IsValid() && e.Type() == v.Type().Elem() {
			v.Set(e.Addr())
		}
	}
}

func (d *decoder) any(v reflect.Value) {
	if d.byte() == 0 || d.err != nil {
		return
	}
	typ := d.uint()
	if typ >= uint64(len(d.types)) {
		d.fail("a value of a type that is not in the file")
		return
	}
	name := d.types[typ].name
	known, ok := d.known[name]
	switch {
	case !v.IsValid():
		d.read(typ, reflect.Value{})
		return
	case !ok || !known.Implements(v.Type()):
		d.odd("%s is not known to this version", name)
		d.read(typ, reflect.Value{})
		return
	}
	e := reflect.New(known).Elem()
	d.read(typ, e)
	v.Set(e)
}

var (
	eventType = reflect.TypeFor[supervisor.Event]()
	noValue   reflect.Value
)

func newValue(t reflect.Type) reflect.Value { return reflect.New(t).Elem() }
