package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// on reads a file without secrets for one of its nodes.
func on(t *testing.T, node, text string) []supervisor.Router {
	t.Helper()
	c, err := parse(t, []byte(text)).For(node)
	if err != nil {
		t.Fatal(err)
	}
	return c.Routers
}

// routers is a file with virtual routers of a common pair.
func routers(list string) string {
	return "nodes:\n  lb01: {address: 10.0.0.5, priority: 150}\n  lb02: {address: 10.0.0.6, priority: 100}\nvirtual_routers:\n" + list
}

func TestRouterGetsEverythingThatTheFileSays(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	d := parse(t, read(t, "testdata/valid-vrrp.yaml"))
	for i := range d.routers { // as if read
		for j := range d.routers[i].secrets {
			d.routers[i].secrets[j].key = []byte{byte(j)}
		}
	}
	c, err := d.For("lb01")
	if err != nil {
		t.Fatal(err)
	}
	track := []supervisor.Track{
		{Interface: "eth1", Need: supervisor.NeedCarrier},
		{Interface: "eth2", Need: supervisor.NeedAdmin},
		{Interface: "eth3", Need: supervisor.NeedCarrier, Weight: -51},
		{Interface: "eth4", Need: supervisor.NeedAddress, Address: addr("10.4.0.5"), Weight: -60, Reverse: true},
		{Interface: "eth0", Need: supervisor.NeedAddress, Address: addr("10.0.0.254"), Weight: 70},
	}
	want := []supervisor.Router{
		{
			Name: "vr50-eth0", Interface: "eth0", AdvertInterface: "eth9", Group: "web",
			VRRP: vrrp.Config{
				VRID: 50, Version: vrrp.V3, Priority: 100, PeerPriority: 150, Interval: 200 * time.Millisecond, DownAdverts: 5,
				Addresses: []netip.Addr{addr("10.0.0.3")}, Preempt: true, PreemptDelay: 30 * time.Second, Pair: true, Grouped: true,
				Lifetime: time.Second, Gate: 600 * time.Millisecond, AnnounceAgain: 2 * time.Second, AnnounceEvery: 10 * time.Second,
			},
			Format: vrrp.Format{
				Version: vrrp.V3, VRID: 50,
				Peers: []vrrp.Peer{{Address: addr("192.168.9.2"), MinTTL: 254, MaxTTL: 255}},
				Auth: vrrp.Auth{
					Type: vrrp.AuthHMAC, Window: 10 * time.Second,
					Keys: []vrrp.HMACKey{{ID: 2, Secret: []byte{0}}, {ID: 1, Secret: []byte{1}}},
				},
			},
			Addresses: []supervisor.Address{{Prefix: prefix("10.0.0.3/24")}},
			Track:     track, Burst: 3, FlapWindow: 10 * time.Minute, PreemptDelayMax: 10 * time.Minute, Replies: true, Source: addr("192.168.9.1"), Peer: addr("192.168.9.2"),
		},
		{
			Name: "vr50v6-eth0", Interface: "eth0", Group: "web",
			VRRP: vrrp.Config{
				VRID: 50, Version: vrrp.V3, Priority: 100, PeerPriority: 150, Interval: 200 * time.Millisecond, DownAdverts: 3,
				Addresses: []netip.Addr{addr("fe80::50"), addr("fd00::3"), addr("fd00::4")},
				Preempt:   true, PreemptDelay: 30 * time.Second, Pair: true, Grouped: true,
				Lifetime: time.Second, Gate: 400 * time.Millisecond, AnnounceAgain: 5 * time.Second, AnnounceEvery: time.Second,
			},
			Format:     vrrp.Format{Version: vrrp.V3, VRID: 50},
			Addresses:  []supervisor.Address{{Prefix: prefix("fe80::50/64")}, {Prefix: prefix("fd00::3/64")}, {Prefix: prefix("fd00::4/128")}},
			VirtualMAC: supervisor.VirtualMAC{Name: "vmac50", FromBase: true},
			Track:      track[2:], Burst: 5, FlapWindow: 10 * time.Minute, PreemptDelayMax: 10 * time.Minute,
		},
	}
	if diff := cmp.Diff(want, c.Routers[:2], same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, want := range []vrrp.Auth{{}, {}, {}, {Type: vrrp.AuthAH, Key: []byte{0}}, {Type: vrrp.AuthPass, Key: []byte{0}}} {
		if diff := cmp.Diff(want, c.Routers[2+i].Format.Auth, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Routers[2+i].Name, diff)
		}
	}
	other, err := d.For("lb02")
	if err != nil {
		t.Fatal(err)
	}
	r := other.Routers[0]
	if r.Source != addr("192.168.9.2") || r.Format.Peers[0].Address != addr("192.168.9.1") || r.Track[3].Address != addr("10.4.0.6") || r.VRRP.Priority != 150 {
		t.Errorf("lb02 has %+v", r)
	}
}

// The source of IPv6 adverts is the interface's own link-local address.
func TestSourceIsOfTheRoutersFamily(t *testing.T) {
	const six = "  - {interface: eth0, vrid: 50, addresses: [fe80::50/64]}\n"
	const four = "  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}\n"
	for name, tt := range map[string]struct{ file, want string }{
		"IPv4":                  {routers(four), "10.0.0.5"},
		"IPv6 with IPv4 nodes":  {routers(six), "invalid IP"},
		"IPv6 with IPv6 nodes":  {strings.ReplaceAll(routers(six), "10.0.0.", "fd00::"), "fd00::5"},
		"IPv4 with IPv6 nodes":  {strings.NewReplacer("10.0.0.5", "fd00::5", "10.0.0.6", "fd00::6").Replace(routers(four)), "invalid IP"},
		"a unicast one of IPv6": {routers(strings.Replace(six, "}", ", unicast: {addresses: {lb01: fe80::1, lb02: fe80::2}}}", 1)), "fe80::1"},
	} {
		if got := on(t, "lb01", tt.file)[0].Source.String(); got != tt.want {
			t.Errorf("%s: sends from %s, want %s", name, got, tt.want)
		}
	}
}

func TestUnicastIsCheckedByDefault(t *testing.T) {
	format := func(how string) vrrp.Format {
		return on(t, "lb02", routers("  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24], unicast: "+how+"}\n"))[0].Format
	}
	want := []vrrp.Peer{{Address: netip.MustParseAddr("10.0.0.5"), MinTTL: 255, MaxTTL: 255}}
	for _, how := range []string{"true", "{}", "{check_source: true}"} {
		if f := format(how); !slices.Equal(f.Peers, want) || f.AnySource {
			t.Errorf("%s gives %+v", how, f)
		}
	}
	if f := format("false"); len(f.Peers) != 0 || f.AnySource {
		t.Errorf("false gives %+v", f)
	}
	if f := format("{check_source: false}"); !slices.Equal(f.Peers, want) || !f.AnySource {
		t.Errorf("check_source: false gives %+v", f)
	}
}

func TestAGroupOfOneMovesAlone(t *testing.T) {
	r := on(t, "lb01", routers("  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24], group: web}\n"))[0]
	if r.Group != "web" || r.VRRP.Grouped {
		t.Errorf("got %+v", r)
	}
}

// The kernel lets go before the peer's down interval ends, whatever that is.
func TestLifetimeGoesWithTheAdvertsThatMayBeMissing(t *testing.T) {
	for adverts, want := range map[int]time.Duration{1: time.Second, 3: 2 * time.Second, 10: 3 * time.Second} {
		file := routers(fmt.Sprintf("  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24], advert_interval: 1s, down_adverts: %d}\n", adverts))
		if got := on(t, "lb01", file)[0].VRRP.Lifetime; got != want {
			t.Errorf("%d adverts: %s, want %s", adverts, got, want)
		}
	}
}

func TestWindowIsThreeAdvertsOrFiveSeconds(t *testing.T) {
	for interval, want := range map[string]time.Duration{"10ms": 5 * time.Second, "2s": 6 * time.Second, "40.95s": 122850 * time.Millisecond} {
		d := parse(t, []byte(routers("  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24], advert_interval: "+interval+", auth: {type: hmac, keys: [{id: 1, file: /k}]}}\n")))
		if got := d.routers[0].shared.Format.Auth.Window; got != want {
			t.Errorf("%s: %s, want %s", interval, got, want)
		}
	}
}

func TestDefaultNamesOfVirtualMACsFit(t *testing.T) {
	seen := map[string]bool{}
	for _, iface := range []string{"eth0", "eth0.100", "enp3s0f0.100", "enp4s0f0.100", "enp65s0f0np0", "wwp0s20f0u2i12a", "bond0.4000", "bond1.4000"} {
		for _, vrid := range []uint8{1, 50, 255} {
			for _, a := range []string{"10.0.0.3", "fd00::3"} {
				r := router{shared: supervisor.Router{Interface: iface}}
				r.shared.VRRP.VRID, r.shared.VRRP.Addresses = vrid, []netip.Addr{netip.MustParseAddr(a)}
				name := r.macName()
				if len(name) > maxLabel || seen[name] || strings.ContainsFunc(name, oddInName) {
					t.Errorf("%d on %s: %q is too long, odd or not the first", vrid, iface, name)
				}
				seen[name] = true
			}
		}
	}
	if !seen["pk4-50.eth0"] || !seen["pk6-50.eth0.100"] {
		t.Errorf("got %v", seen)
	}
}

// manyRouters is a file with 250 routers on each of some interfaces.
func manyRouters(interfaces int) []byte {
	var b strings.Builder
	b.WriteString(routers(""))
	for i := range interfaces {
		for vrid := 1; vrid <= 250; vrid++ {
			fmt.Fprintf(&b, "  - {interface: eth%d, vrid: %d, addresses: [10.%d.%d.3/32], group: g%d, virtual_mac: true, unicast: true, track: [lan0, {interface: lan1, penalty: 60}]}\n",
				i, vrid, i, vrid, i)
		}
	}
	return []byte(b.String())
}

func TestAThousandRoutersAreReadAgainWhenPrinted(t *testing.T) {
	d := parse(t, manyRouters(4))
	if n := len(d.routers); n != 1000 {
		t.Fatalf("%d routers", n)
	}
	if w := warnings(d); w != "" {
		t.Errorf("warns: %.500s", w)
	}
	sameAfterPrint(t, d)
}

func BenchmarkParseAThousandRouters(b *testing.B) {
	data := manyRouters(4)
	for b.Loop() {
		if _, err := Parse("pairkeeper.yaml", data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHMACKeyFile(t *testing.T) {
	const good = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	for name, tt := range map[string]struct {
		text string
		want string // the error, or empty
		key  string
	}{
		"hex, as keepalived takes it":  {text: "hex:" + good + "\n", key: "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"},
		"text, as keepalived takes it": {text: good[:32], key: good[:32]},
		"64 bytes of text":             {text: good + "\n", key: good},
		"short hex":                    {text: "hex:" + good[2:], want: "has a key of 31 bytes, 32 to 64 are allowed: make one with: "},
		"short text":                   {text: good[:31], want: "has a key of 31 bytes"},
		"long text":                    {text: good + "0", want: "has a key of 65 bytes"},
		"odd hex":                      {text: "hex:" + good + "0", want: "is not an even number of hex digits after hex:"},
		"no hex":                       {text: "hex:" + strings.Repeat("x", 64), want: "is not an even number of hex digits after hex:"},
		"empty":                        {text: "\n", want: "has a key of 0 bytes"},
		"two lines":                    {text: good + "\n" + good, want: "is neither hex: with hex digits nor one line of visible ASCII"},
		"raw bytes":                    {text: strings.Repeat("\x01", 32), want: "is neither hex:"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			key, path := filepath.Join(dir, "key"), filepath.Join(dir, "pairkeeper.yaml")
			write(t, key, tt.text, 0o600)
			write(t, path, routers("  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24], auth: {type: hmac, keys: [{id: 7, file: \""+key+"\"}]}}\n"), 0o600)
			f, err := Load(path, "lb01")
			if tt.want != "" {
				want := path + ":5: virtual_routers[0].auth.keys[0].file: " + key + " " + tt.want
				if err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
				if secret := strings.TrimSpace(tt.text); err != nil && len(secret) > 8 && strings.Contains(err.Error(), secret[4:20]) {
					t.Errorf("shows the key: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			keys := f.Config.Routers[0].Format.Auth.Keys
			if len(keys) != 1 || keys[0].ID != 7 || string(keys[0].Secret) != tt.key {
				t.Errorf("the keys are %x, want %x", keys, tt.key)
			}
			if printed := inFull(t, f.Document); strings.Contains(printed, good[:16]) || !strings.Contains(printed, key) {
				t.Errorf("prints\n%s", printed)
			}
		})
	}
}

func TestCredential(t *testing.T) {
	const warning = "pairkeeper.yaml:5: virtual_routers[0].auth.password_credential: the credential vrrp has not been looked at: only the service has it"
	for name, tt := range map[string]struct {
		dir     bool // $CREDENTIALS_DIRECTORY is set
		text    string
		want    string // Load's error, or empty: the password is "1111"
		checked string // what check says in place of it
		warning string
	}{
		"in the service":         {dir: true, text: "1111\n"},
		"too long":               {dir: true, text: "123456789", want: "has 9 bytes", checked: "has 9 bytes"},
		"not given to it":        {dir: true, want: "is not there: add LoadCredential=vrrp:… to the service", checked: "is not there"},
		"outside of the service": {text: "1111\n", want: "is out of reach, $CREDENTIALS_DIRECTORY is not set", warning: warning},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("CREDENTIALS_DIRECTORY", "")
			if tt.dir {
				t.Setenv("CREDENTIALS_DIRECTORY", dir)
			}
			if tt.text != "" {
				write(t, filepath.Join(dir, "vrrp"), tt.text, 0o400)
			}
			path := filepath.Join(dir, "pairkeeper.yaml")
			write(t, path, routers("  - {interface: eth0, vrid: 50, version: 2, addresses: [10.0.0.3/24], auth: {type: ah, password_credential: vrrp}}\n"), 0o600)
			f, err := Load(path, "lb01")
			if tt.want == "" {
				if err != nil || string(f.Config.Routers[0].Format.Auth.Key) != "1111" {
					t.Errorf("the daemon gets %+v, %v", f, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), ":5: virtual_routers[0].auth.password_credential: the credential vrrp "+tt.want) {
				t.Errorf("the daemon gets %v, want %s", err, tt.want)
			}
			f, err = Check(path, "lb01")
			if tt.checked != "" {
				if err == nil || !strings.Contains(err.Error(), tt.checked) {
					t.Errorf("check gets %v, want %s", err, tt.checked)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := Errors(f.Warnings).Error(); strings.Contains(got, warning[len("pairkeeper.yaml"):]) != (tt.warning != "") {
				t.Errorf("check warns %q, want %q", got, tt.warning)
			}
		})
	}
}

func TestAKeyThatAnybodyCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	write(t, key, strings.Repeat("x", 32), os.FileMode(0o644))
	d := parse(t, []byte(routers("  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24], auth: {type: hmac, keys: [{id: 7, file: \""+key+"\"}]}}\n")))
	if err := d.ReadSecrets(""); err == nil || !strings.Contains(err.Error(), "can be read by anybody (mode 0644)") {
		t.Errorf("got %v", err)
	}
}
