package trace

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// typesWith are the types of a package's files that have a method of a name.
func typesWith(t *testing.T, dir, method string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files in", dir, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
				names = append(names, parsed.Name.Name+"."+f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return names
}

func TestEveryEventAndCheckIsInTheRegistry(t *testing.T) {
	for dir, method := range map[string]string{"..": "isEvent", "../../vrrp": "isEvent", "../../probes": "isCheck"} {
		names := typesWith(t, dir, method)
		if len(names) < 10 {
			t.Errorf("only %q in %s have %s", names, dir, method)
		}
		for _, name := range names {
			if registry[name] == nil {
				t.Errorf("%s is not in registry.go: what is told of it is recorded, but not read again", name)
			}
		}
	}
}

// filled fills a value with something everywhere: no two numbers or texts are the same.
func filled(v reflect.Value, n *int, any map[reflect.Type]reflect.Value) {
	*n++
	switch v.Type() {
	case timeType:
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 5).UTC()))
		return
	case reflect.TypeFor[netip.Addr]():
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{10, 0, byte(*n >> 8), byte(*n)})))
		return
	case reflect.TypeFor[netip.Prefix]():
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(*n >> 8), byte(*n)}), 24)))
		return
	case reflect.TypeFor[netip.AddrPort]():
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, byte(*n >> 8), byte(*n)}), uint16(*n))))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text" + time.Duration(*n).String() + "@")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n % 127))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n%250 + 1))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("bytes" + time.Duration(*n).String() + "@"))
			return
		}
		for i := range v.Len() {
			filled(v.Index(i), n, any)
		}
	case reflect.Array:
		for i := range v.Len() {
			filled(v.Index(i), n, any)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), n, any)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), n, any)
	case reflect.Interface:
		if inner, ok := any[v.Type()]; ok {
			v.Set(inner)
			return
		}
		for _, name := range []string{"vrrp.Retuned", "probes.HTTP"} {
			if t := registry[name]; t.Implements(v.Type()) {
				inner := reflect.New(t).Elem()
				filled(inner, n, any)
				v.Set(inner)
				return
			}
		}
		panic("nothing to fill " + v.Type().String())
	default:
		panic("cannot fill " + v.Type().String())
	}
}

// through writes events into a segment and reads them again.
func through(t *testing.T, events ...supervisor.Event) []supervisor.Event {
	t.Helper()
	var l Log
	at := time.Unix(1000, 0).UTC()
	l.Begin(Begin{At: at, Wall: at.Add(time.Hour), Config: &supervisor.Config{Node: "lb01"}})
	for i, ev := range events {
		l.Step(at.Add(time.Duration(i)*time.Microsecond), ev, nil)
	}
	s, err := Open(l.Take())
	if err != nil {
		t.Fatal(err)
	}
	var got []supervisor.Event
	for {
		step, ok := s.Next()
		if !ok {
			break
		}
		if want := at.Add(time.Duration(len(got)) * time.Microsecond); !step.At.Equal(want) || !step.Wall.Equal(want.Add(time.Hour)) {
			t.Errorf("step %d was at %s, %s", len(got), step.At, step.Wall)
		}
		got = append(got, step.Event)
	}
	if s.Err() != nil || len(s.Strange()) > 0 {
		t.Error(s.Err(), s.Strange())
	}
	return got
}

// Also the forms of their own keep every field: one that is added to an event is missed here.
func TestAnEventIsReadAsItWasWritten(t *testing.T) {
	event := reflect.TypeFor[supervisor.Event]()
	for name, typ := range registry {
		var values []supervisor.Event
		n := 0
		switch {
		case name == "supervisor.Reconfigured": // has secrets
			values = append(values, supervisor.Reconfigured{})
		case typ.Implements(event):
			v := reflect.New(typ).Elem()
			filled(v, &n, nil)
			values = append(values, v.Interface().(supervisor.Event), reflect.Zero(typ).Interface().(supervisor.Event))
			if name == "supervisor.HeartbeatHeard" {
				values[1] = supervisor.HeartbeatHeard{Heartbeat: &fencing.Heartbeat{}}
			}
		case typ.Implements(reflect.TypeFor[vrrp.Event]()):
			v := reflect.New(typ).Elem()
			filled(v, &n, nil)
			values = append(values, supervisor.RouterEvent{Router: "web", Event: v.Interface().(vrrp.Event)},
				supervisor.RouterEvent{Router: "web", Event: reflect.Zero(typ).Interface().(vrrp.Event)})
		default:
			continue
		}
		values = append(values, values...) // the second time by number
		for i, got := range through(t, values...) {
			if diff := cmp.Diff(unnumbered(values[i]), got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
				t.Errorf("%s: -written +read:\n%s", name, diff)
			}
		}
	}
}

// unnumbered is an event without the sequence of an advert, on which nothing is decided.
func unnumbered(ev supervisor.Event) supervisor.Event {
	if r, ok := ev.(supervisor.RouterEvent); ok {
		if in, ok := r.Event.(vrrp.Received); ok {
			in.Advert.Sequence = 0
			r.Event = in
			return r
		}
	}
	return ev
}

func TestAnAddressWithAZoneAndAnEmptyListStayWhatTheyAre(t *testing.T) {
	in := vrrp.Received{From: netip.MustParseAddr("fe80::1%eth0"), Advert: vrrp.Advert{Addresses: []netip.Addr{}}}
	want := supervisor.RouterEvent{Router: "web", Event: in}
	if got := through(t, want); !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %#v, want %#v", got[0], want)
	}
}

func TestWhatRepeatsItselfTakesAFewBytes(t *testing.T) {
	var l Log
	at := time.Unix(1000, 0).UTC()
	l.Begin(Begin{At: at, Wall: at, Config: &supervisor.Config{}})
	for range 2 {
		before := l.Size()
		for range 100 {
			at = at.Add(400 * time.Microsecond)
			l.Step(at, advertOf("web"), nil)
		}
		if used := l.Size() - before; used > 700 {
			t.Errorf("100 adverts took %d bytes", used)
		}
	}
}

func advertOf(router string) supervisor.Event {
	return supervisor.RouterEvent{Router: router, Event: vrrp.Received{
		From: netip.MustParseAddr("10.0.0.6"),
		Advert: vrrp.Advert{
			Version: vrrp.V3, VRID: 50, Priority: 150, Interval: 100 * time.Millisecond, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
		},
	}}
}
