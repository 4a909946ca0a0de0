package trace

import (
	"encoding"
	"encoding/binary"
	"math"
	"reflect"
	"time"
	"unsafe"
)

// encoder writes one value with all that hangs on it.
type encoder struct {
	*table
	out  []byte
	seen map[pointer]uint64 // what was written, by its number
	mask bool               // texts are secret here
}

type pointer struct {
	at  unsafe.Pointer
	typ reflect.Type
}

// value appends a value, after the number of its type.
func (tb *table) value(b []byte, v any) []byte {
	e := &encoder{table: tb, out: b}
	e.any(reflect.ValueOf(v))
	return e.out
}

func (e *encoder) any(v reflect.Value) {
	p := e.of(v.Type())
	e.out = appendUint(e.out, p.id)
	e.write(addressable(v), p)
}

// addressable is v, or a copy of it that is: only of such the hidden fields can be read.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// opened is a field as if it were exported.
func opened(v reflect.Value, f *field) reflect.Value {
	v = v.Field(f.index)
	if f.hidden {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	return v
}

func (e *encoder) write(v reflect.Value, p *plan) {
	switch p.kind {
	case kindBool:
		n := byte(0)
		if v.Bool() {
			n = 1
		}
		e.out = append(e.out, n)
	case kindInt:
		e.out = appendInt(e.out, v.Int())
	case kindUint:
		e.out = appendUint(e.out, v.Uint())
	case kindFloat:
		e.out = binary.LittleEndian.AppendUint64(e.out, math.Float64bits(v.Float()))
	case kindString:
		e.text([]byte(v.String()))
	case kindBytes:
		e.bytes(v)
	case kindTime:
		t := v.Interface().(time.Time)
		e.out = appendUint(appendInt(e.out, t.Unix()), uint64(t.Nanosecond()))
	case kindAddr:
		b, _ := v.Interface().(encoding.BinaryMarshaler).MarshalBinary() // never fails
		e.out = appendText(e.out, b)
	default:
		e.compound(v, p)
	}
}

func (e *encoder) text(s []byte) {
	if e.mask {
		s = mark(s)
	}
	e.out = appendText(e.out, s)
}

// bytes writes nil otherwise than empty; masked, arrays keep their length.
func (e *encoder) bytes(v reflect.Value) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		e.out = append(e.out, 0)
		return
	}
	s := v.Bytes()
	if e.mask && v.Kind() == reflect.Slice {
		s = mark(s)
	}
	e.out = append(appendUint(e.out, uint64(len(s))+1), s...)
}

func (e *encoder) compound(v reflect.Value, p *plan) {
	switch p.kind {
	case kindStruct:
		e.fields(v, p)
	case kindSlice:
		if v.IsNil() {
			e.out = append(e.out, 0)
			return
		}
		e.out = appendUint(e.out, uint64(v.Len())+1)
		e.elements(v, p)
	case kindArray:
		e.out = appendUint(e.out, uint64(v.Len()))
		e.elements(v, p)
	case kindMap:
		e.entries(v, p)
	case kindPtr:
		e.pointer(v, p)
	case kindAny:
		if v.IsNil() {
			e.out = append(e.out, 0)
			return
		}
		e.out = append(e.out, 1)
		e.any(v.Elem())
	}
}

// fields writes which fields are not zero, a bit each, then these.
func (e *encoder) fields(v reflect.Value, p *plan) {
	bits := len(e.out)
	for range bitmap(len(p.fields)) {
		e.out = append(e.out, 0)
	}
	for i := range p.fields {
		f := &p.fields[i]
		fv := opened(v, f)
		if fv.IsZero() {
			continue
		}
		e.out[bits+i/8] |= 1 << (i % 8)
		if f.mask == arguments {
			e.arguments(fv)
			continue
		}
		before := e.mask
		e.mask = before || f.mask == secret
		e.write(fv, f.plan)
		e.mask = before
	}
}

// bitmap is how many bytes say which of n fields follow; one at least.
func bitmap(n int) int { return max((n+7)/8, 1) }

// arguments writes a command with only its program as it is.
func (e *encoder) arguments(v reflect.Value) {
	e.out = appendUint(e.out, uint64(v.Len())+1)
	before := e.mask
	for i := range v.Len() {
		e.mask = before || i > 0
		e.text([]byte(v.Index(i).String()))
	}
	e.mask = before
}

func (e *encoder) elements(v reflect.Value, p *plan) {
	for i := range v.Len() {
		e.write(v.Index(i), p.elem)
	}
}

func (e *encoder) entries(v reflect.Value, p *plan) {
	if v.IsNil() {
		e.out = append(e.out, 0)
		return
	}
	e.out = appendUint(e.out, uint64(v.Len())+1)
	for it := v.MapRange(); it.Next(); {
		e.write(addressable(it.Key()), p.key)
		e.write(addressable(it.Value()), p.elem)
	}
}

// pointer writes what it points to where that was not written before: 0 is nil, 1 what
// follows, 2 and above what was written as number 0 and above.
func (e *encoder) pointer(v reflect.Value, p *plan) {
	if v.IsNil() {
		e.out = append(e.out, 0)
		return
	}
	at := pointer{v.UnsafePointer(), p.typ}
	if n, ok := e.seen[at]; ok {
		e.out = appendUint(e.out, n+2)
		return
	}
	if e.seen == nil {
		e.seen = map[pointer]uint64{}
	}
	e.seen[at] = uint64(len(e.seen))
	e.out = append(e.out, 1)
	e.write(v.Elem(), p.elem)
}
