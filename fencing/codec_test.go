package fencing

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var (
	key1 = Key{ID: 1, Secret: bytes.Repeat([]byte{1}, 32)}
	key2 = Key{ID: 2, Secret: bytes.Repeat([]byte{2}, 32)}
)

// some is a heartbeat with something in every field.
func some() Heartbeat {
	return Heartbeat{
		Node: "lb01", Version: "1.0", Session: 7, Sequence: 9, Uptime: time.Hour, Clock: 1_700_000_000_000_000_000, EchoSession: 5, EchoSequence: 3,
		Class: Cut, Maintenance: Notice{On: true, Left: time.Minute, Why: "disks"}, Freeze: Notice{Why: "night"}, Gateway: Lost, Config: 11, Proxy: 13, MACs: []MAC{{2, 0, 0, 0, 0, 5}, {0, 0, 94, 0, 1, 50}},
		Order: Order{Serial: 17, Kind: Want, Lasts: time.Hour}, Consent: Consent{Serial: 19, Refusal: "its gateway does not answer"},
		Claims: []Claim{{Router: RouterKey("web"), Role: Holds, Priority: 150, Hears: true}, {Router: RouterKey("static"), Role: Standby, Priority: 1}},
	}
}

func TestHeartbeatSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		notice := rapid.Custom(func(t *rapid.T) Notice {
			return Notice{On: rapid.Bool().Draw(t, "on"), Left: time.Duration(rapid.Int64Min(0).Draw(t, "left")), Why: rapid.StringN(0, 20, 80).Draw(t, "why")}
		})
		number := rapid.Uint64Min(1)
		want := Heartbeat{
			Node: rapid.StringN(1, 20, 80).Draw(t, "node"), Version: rapid.StringN(0, 20, 80).Draw(t, "version"),
			Session: number.Draw(t, "session"), Sequence: number.Draw(t, "sequence"),
			Uptime:      time.Duration(rapid.Int64Min(0).Draw(t, "uptime")),
			Clock:       rapid.Int64().Draw(t, "clock"),
			EchoSession: rapid.Uint64().Draw(t, "echo session"), EchoSequence: rapid.Uint64().Draw(t, "echo sequence"),
			Class:       Class(rapid.IntRange(0, int(Resigned)).Draw(t, "class")),
			Maintenance: notice.Draw(t, "maintenance"), Freeze: notice.Draw(t, "freeze"),
			Gateway: Reach(rapid.IntRange(0, int(Doubtful)).Draw(t, "gateway")),
			Config:  rapid.Uint64().Draw(t, "config"), Proxy: rapid.Uint64().Draw(t, "proxy"),
			MACs: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) MAC {
				return MAC(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac"))
			}), 0, 3).Draw(t, "macs"),
			Order: Order{
				Serial: rapid.Uint64().Draw(t, "order"), Kind: OrderKind(rapid.IntRange(0, int(Demand)).Draw(t, "kind")),
				Lasts: time.Duration(rapid.Int64Min(0).Draw(t, "lasts")),
			},
			Consent: Consent{Serial: rapid.Uint64().Draw(t, "reply"), Refusal: rapid.StringN(0, 20, 80).Draw(t, "refusal")},
			Claims: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Claim {
				return Claim{
					Router: rapid.Uint32().Draw(t, "router"), Role: Role(rapid.IntRange(0, int(Holds)).Draw(t, "role")),
					Priority: rapid.Byte().Draw(t, "priority"), Hears: rapid.Bool().Draw(t, "hears"),
					Long: rapid.Bool().Draw(t, "long"), HeldOff: rapid.Bool().Draw(t, "held off"), Asks: rapid.Bool().Draw(t, "asks"),
					Favoured: rapid.Bool().Draw(t, "favoured"), Moves: rapid.Bool().Draw(t, "moves"),
				}
			}), 0, 50).Draw(t, "claims"),
		}
		b, err := want.Append(nil, key1)
		if err != nil {
			t.Fatal(err)
		}
		got := some() // whose memory is used again
		if r := got.Parse(b, []Key{key2, key1}); r != "" {
			t.Fatal(r)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestEveryChangedBitIsRefused(t *testing.T) {
	h := some()
	b, err := h.Append(nil, key1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) * 8 {
		changed := bytes.Clone(b)
		changed[i/8] ^= 1 << (i % 8)
		got := Heartbeat{Node: "before"}
		if r := got.Parse(changed, []Key{key1, key2}); r == "" || got.Node != "before" {
			t.Fatalf("bit %d changed: %q, %+v", i, r, got)
		}
	}
	for n := range len(b) {
		got := Heartbeat{}
		if got.Parse(b[:n], []Key{key1}) == "" || got.Parse(append(bytes.Clone(b), b[:n+1]...), []Key{key1}) == "" {
			t.Fatalf("accepted with %d bytes missing or too many", n)
		}
	}
}

func TestHeartbeatIsRefusedByName(t *testing.T) {
	h := some()
	good, err := h.Append(nil, key1)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(good)
	other[offFormat] = 2
	for name, c := range map[string]struct {
		b    []byte
		keys []Key
		want Refusal
	}{
		"nothing":                {nil, []Key{key1}, RefusalGarbage},
		"not one":                {bytes.Repeat([]byte("x"), 200), []Key{key1}, RefusalGarbage},
		"more than there can be": {append(bytes.Clone(good), make([]byte, MaxMessage)...), []Key{key1}, RefusalGarbage},
		"another format":         {other, []Key{key1}, RefusalFormat},
		"a key that is not ours": {good, []Key{key2}, RefusalKey},
		"another secret":         {good, []Key{{ID: 1, Secret: key2.Secret}}, RefusalMAC},
		"no key":                 {good, nil, RefusalKey},
		"the second key":         {good, []Key{key2, key1}, ""},
		"an old key of that id":  {good, []Key{{ID: 1, Secret: key2.Secret}, key1}, ""},
	} {
		var got Heartbeat
		if r := got.Parse(c.b, c.keys); r != c.want {
			t.Errorf("%s: %q, want %q", name, r, c.want)
		}
	}
}

func TestWhatCannotBeSentIsAnError(t *testing.T) {
	for name, change := range map[string]func(*Heartbeat, *Key){
		"no name":                func(h *Heartbeat, _ *Key) { h.Node = "" },
		"a long name":            func(h *Heartbeat, _ *Key) { h.Node = string(make([]byte, 256)) },
		"no session":             func(h *Heartbeat, _ *Key) { h.Session = 0 },
		"no sequence":            func(h *Heartbeat, _ *Key) { h.Sequence = 0 },
		"too many MAC addresses": func(h *Heartbeat, _ *Key) { h.MACs = make([]MAC, MaxMACs+1) },
		"too many claims":        func(h *Heartbeat, _ *Key) { h.Claims = make([]Claim, MaxClaims+1) },
		"no key":                 func(_ *Heartbeat, k *Key) { *k = Key{} },
	} {
		h, k := some(), key1
		change(&h, &k)
		if _, err := h.Append(nil, k); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEveryRefusalHasARemedy(t *testing.T) {
	for _, r := range []Refusal{RefusalGarbage, RefusalFormat, RefusalKey, RefusalMAC, RefusalOwn, RefusalStranger, RefusalReplay} {
		if r.Remedy() == "" {
			t.Errorf("%s: no remedy", r)
		}
	}
}

func TestAHeartbeatThatRepeatsItselfNeedsLittleMemory(t *testing.T) {
	h := some()
	b, err := h.Append(nil, key1)
	if err != nil {
		t.Fatal(err)
	}
	got := some()
	if n := testing.AllocsPerRun(100, func() { got.Parse(b, []Key{key1}) }); n > 8 { // the HMAC's own
		t.Errorf("%.0f allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	h := some()
	b, err := h.Append(nil, key1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Heartbeat
		h.Parse(b, []Key{key1})
		if len(b) > macLen { // as if its sender had the key
			body := b[:len(b)-macLen]
			if h.Parse(append(bytes.Clone(body), sum(body, key1)...), []Key{key1}) == "" {
				again, err := h.Append(nil, key1)
				if err != nil || len(again) != len(b) {
					t.Fatalf("what was read cannot be written: %v", err)
				}
			}
		}
	})
}
