package trace

import (
	"net/netip"
	"reflect"
	"time"
)

// kind is how a value is written.
type kind uint8

const (
	kindBool kind = iota
	kindInt
	kindUint
	kindFloat
	kindString
	kindBytes // a slice or an array of bytes
	kindTime
	kindAddr // of net/netip: an address, with a port or a prefix length
	kindSlice
	kindArray
	kindMap
	kindPtr
	kindStruct
	kindAny // an interface
	kinds   // how many there are
)

// plan is how values of one Go type are written.
type plan struct {
	id        uint64 // its number in the segment's table
	kind      kind
	name      string // of a struct
	elem, key *plan
	fields    []field
	typ       reflect.Type
}

type field struct {
	name   string
	index  int
	plan   *plan
	hidden bool // not exported
	mask   mask
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	addrTypes = map[reflect.Type]bool{
		reflect.TypeFor[netip.Addr](): true, reflect.TypeFor[netip.AddrPort](): true, reflect.TypeFor[netip.Prefix](): true,
	}
)

// kindOf is how values of a type are written; false: they are not.
func kindOf(t reflect.Type) (kind, bool) {
	switch {
	case t == timeType:
		return kindTime, true
	case addrTypes[t]:
		return kindAddr, true
	}
	switch k := t.Kind(); k {
	case reflect.Bool:
		return kindBool, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return kindInt, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return kindUint, true
	case reflect.Float32, reflect.Float64:
		return kindFloat, true
	case reflect.String:
		return kindString, true
	case reflect.Slice, reflect.Array:
		switch {
		case t.Elem().Kind() == reflect.Uint8:
			return kindBytes, true
		case k == reflect.Slice:
			return kindSlice, true
		}
		return kindArray, true
	case reflect.Map:
		return kindMap, true
	case reflect.Pointer:
		return kindPtr, true
	case reflect.Struct:
		return kindStruct, true
	case reflect.Interface:
		return kindAny, true
	}
	return 0, false
}

// table are the types of a segment, as they are written.
type table struct {
	plans map[reflect.Type]*plan
	fresh []*plan // not written yet
}

// of is the plan of a type, which is numbered when it is first wanted.
func (tb *table) of(t reflect.Type) *plan {
	if p := tb.plans[t]; p != nil {
		return p
	}
	k, ok := kindOf(t)
	if !ok {
		panic("trace: a " + t.String() + " cannot be recorded")
	}
	p := &plan{id: uint64(len(tb.plans)), kind: k, typ: t}
	if tb.plans == nil {
		tb.plans = map[reflect.Type]*plan{}
	}
	tb.plans[t] = p
	tb.fresh = append(tb.fresh, p)
	switch k {
	case kindSlice, kindArray, kindPtr:
		p.elem = tb.of(t.Elem())
	case kindMap:
		p.key, p.elem = tb.of(t.Key()), tb.of(t.Elem())
	case kindStruct:
		p.name = t.String()
		for i := range t.NumField() {
			f := t.Field(i)
			p.fields = append(p.fields, field{name: f.Name, index: i, plan: tb.of(f.Type), hidden: !f.IsExported(), mask: maskOf(t, f.Name)})
		}
	}
	return p
}

// append writes the types that have not been written, if any.
func (tb *table) append(b []byte) []byte {
	if len(tb.fresh) == 0 {
		return b
	}
	b = append(b, recTypes)
	b = appendUint(b, uint64(len(tb.fresh)))
	for _, p := range tb.fresh {
		b = append(b, byte(p.kind))
		switch p.kind {
		case kindSlice, kindArray, kindPtr:
			b = appendUint(b, p.elem.id)
		case kindMap:
			b = appendUint(appendUint(b, p.key.id), p.elem.id)
		case kindStruct:
			b = appendText(b, p.name)
			b = appendUint(b, uint64(len(p.fields)))
			for _, f := range p.fields {
				b = appendUint(appendText(b, f.name), f.plan.id)
			}
		}
	}
	tb.fresh = tb.fresh[:0]
	return b
}

// wireType is a type of a segment that is read.
type wireType struct {
	kind      kind
	name      string
	elem, key uint64
	fields    []wireField
}

type wireField struct {
	name string
	typ  uint64
}

// types reads a record of types.
func (r *reader) types(list []wireType) []wireType {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		t := wireType{kind: kind(r.byte())}
		switch t.kind {
		case kindSlice, kindArray, kindPtr:
			t.elem = r.uint()
		case kindMap:
			t.key, t.elem = r.uint(), r.uint()
		case kindStruct:
			t.name = r.text()
			for f := r.count(); f > 0 && r.err == nil; f-- {
				t.fields = append(t.fields, wireField{r.text(), r.uint()})
			}
		}
		if t.kind >= kinds {
			r.fail("a type of an unknown kind")
		}
		list = append(list, t)
	}
	return list
}
