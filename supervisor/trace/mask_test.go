package trace

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// shown are the fields of a configuration whose texts are in a trace. A field that is not
// here has to be in masked, or it is here because it can hold no secret.
var shown = []string{
	"Node", "Peer",
	"Proxy.Unit", "Proxy.Command[0]", "Proxy.Test[0]", "Proxy.Watch",
	"Probes.Name",
	"Routers.Name", "Routers.Interface", "Routers.Addresses.Label", "Routers.AdvertInterface", "Routers.VirtualMAC.Name", "Routers.Group", "Routers.Track.Interface",
	"Hooks.*.Command[0]", "Hooks.*.User",
	"Receivers.Name", "Receivers.Mail.Server", "Receivers.Mail.CAFile", "Receivers.Mail.From", "Receivers.Mail.To", "Receivers.Webhook.CAFile",
	"Heartbeat.Version",
	"Arbitration.Voters.Witness", "Arbitration.Voters.Disk",
	"Fence.Agents.Program", "Fence.Agents.OptionsFile", "Fence.Agents.PasswordFile", "Fence.Agents.Command[0]",
	"Balance.Services.Name", "Balance.Services.Pool.Name", "Balance.Services.Pool.Options.Scheduler", "Balance.Services.Pool.Options.Engine",
	"Balance.Services.Router", "Balance.Services.Checks.Name", "Balance.Sync.Interface", "Balance.Sync.Router",
}

// texts collects every text of a value with its place.
func texts(v reflect.Value, place string, found func(place string, text []byte)) {
	switch v.Kind() {
	case reflect.String:
		found(place, []byte(v.String()))
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[byte]() {
				found(place, v.Bytes())
			}
			return
		}
		for i := range v.Len() {
			at := place
			if strings.HasSuffix(place, "Command") || strings.HasSuffix(place, ".Test") {
				at += "[" + string(rune('0'+i)) + "]"
			}
			texts(v.Index(i), at, found)
		}
	case reflect.Struct:
		if v.Type() == timeType || addrTypes[v.Type()] {
			return
		}
		for i := range v.NumField() {
			at := v.Type().Field(i).Name
			if place != "" {
				at = place + "." + at
			}
			texts(v.Field(i), at, found)
		}
	case reflect.Pointer, reflect.Interface:
		texts(v.Elem(), place, found)
	}
}

// isShown matches a place with shown: each place of hooks is the same.
func isShown(place string) bool {
	words := strings.Split(place, ".")
	for i, w := range words {
		if (w == "Hooks") && i+2 < len(words) {
			return slices.Contains(shown, "Hooks.*."+words[i+2])
		}
	}
	return slices.Contains(shown, place)
}

func TestNoSecretIsInATrace(t *testing.T) {
	for name, typ := range registry {
		if !typ.Implements(reflect.TypeFor[probes.Check]()) {
			continue
		}
		var cfg supervisor.Config
		n := 0
		check := reflect.New(typ).Elem()
		filled(check, &n, nil)
		n = 1000
		filled(reflect.ValueOf(&cfg).Elem(), &n, map[reflect.Type]reflect.Value{reflect.TypeFor[probes.Check](): check})

		node := supervisor.NewNode(cfg)
		var l Log
		at := time.Unix(1000, 0).UTC()
		l.Begin(Begin{At: at, Wall: at, Config: &cfg, State: node})
		l.Step(at, supervisor.Reconfigured{Config: cfg}, nil)
		data := l.Take()
		if _, err := Open(data); err != nil {
			t.Fatal(err)
		}
		seen := 0
		texts(reflect.ValueOf(cfg), "", func(place string, text []byte) {
			if !bytes.HasSuffix(text, []byte("@")) {
				t.Fatalf("%s is %q: not filled", place, text)
			}
			switch is := bytes.Contains(data, text); {
			case is && !isShown(place):
				t.Errorf("with a check %s: the text of %s is in the trace: mask it in mask.go, or show here that it can hold no secret", name, place)
			case !is && isShown(place):
				t.Errorf("%s is to be shown, and is not in the trace", place)
			case is:
				seen++
			}
		})
		if seen < 30 {
			t.Errorf("only %d texts are shown", seen)
		}
	}
}

func TestAMarkDiffersWhereTheSecretDoes(t *testing.T) {
	a, b, again := mark([]byte("secret a")), mark([]byte("secret b")), mark([]byte("secret a"))
	if bytes.Equal(a, b) || !bytes.Equal(a, again) || len(mark(nil)) != 0 {
		t.Errorf("marks are %s, %s, %s", a, b, again)
	}
}
