package ipvsnet

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

var same = cmpopts.EquateComparable(netip.AddrPort{})

// attribute is one attribute as it lies on the wire.
func attribute(kind uint16, value ...byte) []byte {
	b := native.AppendUint16(nil, uint16(4+len(value)))
	b = native.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func u16(n uint16) []byte { return native.AppendUint16(nil, n) }
func u32(n uint32) []byte { return native.AppendUint32(nil, n) }
func u64(n uint64) []byte { return native.AppendUint64(nil, n) }

// answer is a message of the kernel with one nested attribute.
func answer(kind uint16, attrs ...[]byte) []byte {
	var all []byte
	for _, a := range attrs {
		all = append(all, a...)
	}
	return append([]byte{1, 1, 0, 0}, attribute(kind, all...)...)
}

func TestAServiceIsReadAsTheKernelSaysIt(t *testing.T) {
	address := append([]byte{10, 0, 0, 3}, make([]byte, 12)...) // the kernel has room for both families
	got, err := decodeService(answer(attrService,
		attribute(svcFamily, u16(unix.AF_INET)...), attribute(svcProtocol, u16(6)...), attribute(svcAddress, address...), attribute(svcPort, 0, 80),
		attribute(svcScheduler, 's', 'h', 0), attribute(svcFlags, append(u32(flagPersistent|0x2|0x10), u32(0xffffffff)...)...),
		attribute(svcTimeout, u32(300)...), attribute(svcNetmask, 255, 255, 255, 0),
		attribute(svcStats, attribute(statsConnections, u32(1)...)...),
		attribute(svcStats64, append(attribute(statsConnections, u64(1<<40)...), attribute(statsBPSOut, u64(7)...)...)...)))
	if err != nil {
		t.Fatal(err)
	}
	want := Usage{
		Service: ipvs.Service{
			Key:     ipvs.Key{Protocol: ipvs.TCP, Address: netip.MustParseAddrPort("10.0.0.3:80")},
			Options: ipvs.Options{Scheduler: "sh", Flags: ipvs.SchedulerFlag2, Persistence: 5 * time.Minute, Bits: 24},
		},
		Counters: Counters{Connections: 1 << 40, ByteRateOut: 7},
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAMarkOfIPv6IsRead(t *testing.T) {
	got, err := decodeService(answer(attrService, attribute(svcFamily, u16(unix.AF_INET6)...), attribute(svcMark, u32(7)...),
		attribute(svcScheduler, 'r', 'r', 0), attribute(svcFlags, append(u32(flagOnePacket), u32(0xffffffff)...)...),
		attribute(svcTimeout, u32(360)...), attribute(svcNetmask, u32(128)...), attribute(svcStats, attribute(statsBytesIn, u64(9)...)...)))
	want := Usage{
		Service: ipvs.Service{
			Key:     ipvs.Key{Mark: 7, IPv6: true},
			Options: ipvs.Options{Scheduler: "rr", Flags: ipvs.OnePacket, Bits: 128},
		},
		Counters: Counters{BytesIn: 9},
	}
	if diff := cmp.Diff(want, got, same); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAServerOfAnotherFamilyIsRead(t *testing.T) {
	address := append([]byte{10, 0, 0, 11}, make([]byte, 12)...)
	got, usage, err := decodeServer(answer(attrDest, attribute(destAddress, address...), attribute(destPort, 0, 80), attribute(destFamily, u16(unix.AF_INET)...),
		attribute(destForward, u32(0x100|2)...), attribute(destWeight, u32(65535)...), attribute(destUpper, u32(100)...), attribute(destLower, u32(80)...),
		attribute(destActive, u32(3)...), attribute(destInactive, u32(4)...), attribute(destPersistent, u32(5)...),
		attribute(destWrap, 1), attribute(destWrapPort, 0x17, 0xc0), attribute(destWrapFlags, u16(1)...)), unix.AF_INET6)
	if err != nil {
		t.Fatal(err)
	}
	want := ipvs.Server{
		Address: netip.MustParseAddrPort("10.0.0.11:80"), Forward: ipvs.Tunnel, Weight: 65535, Upper: 100, Lower: 80,
		Tunnel: ipvs.Encapsulation{Wrap: ipvs.GUE, Port: 6080, Checksum: ipvs.OuterChecksum},
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if (usage != ServerUsage{Active: 3, Inactive: 4, Persistent: 5}) {
		t.Errorf("got %+v", usage)
	}
}

func TestSyncDaemonsAndTimeoutsAreRead(t *testing.T) {
	s, err := decodeSync(answer(attrDaemon, attribute(daemonState, u32(2)...), attribute(daemonInterface, 'e', 't', 'h', '1', 0), attribute(daemonID, u32(51)...)))
	if want := (ipvs.Sync{Role: ipvs.Backup, ID: 51, Interface: "eth1"}); err != nil || s != want {
		t.Errorf("got %+v, %v, want %+v", s, err, want)
	}
	msg := append([]byte{13, 1, 0, 0}, attribute(attrTimeoutTCP, u32(900)...)...)
	msg = append(msg, attribute(attrTimeoutTCPFin, u32(120)...)...)
	msg = append(msg, attribute(attrTimeoutUDP, u32(300)...)...)
	times, err := decodeTimeouts(msg)
	if want := (ipvs.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}); err != nil || times != want {
		t.Errorf("got %+v, %v, want %+v", times, err, want)
	}
}

func TestWhatIsWrittenLiesAsTheKernelReadsIt(t *testing.T) {
	six := ipvs.Key{Protocol: ipvs.UDP, Address: netip.MustParseAddrPort("[fd00::3]:53")}
	gue := ipvs.Server{
		Address: netip.MustParseAddrPort("10.0.0.11:53"), Forward: ipvs.Tunnel, Weight: 2, Upper: 3, Lower: 1,
		Tunnel: ipvs.Encapsulation{Wrap: ipvs.GUE, Port: 6080, Checksum: ipvs.RemoteChecksum},
	}
	join := func(attrs ...[]byte) (all []byte) {
		for _, a := range attrs {
			all = append(all, a...)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		got  *nl.RtAttr
		want []byte
	}{
		{"a service", encodeKey(six), attribute(attrService, join(attribute(svcFamily, u16(unix.AF_INET6)...), attribute(svcProtocol, u16(17)...),
			attribute(svcAddress, six.Address.Addr().AsSlice()...), attribute(svcPort, 0, 53))...)},
		{"a mark", encodeKey(ipvs.Key{Mark: 7}), attribute(attrService, join(attribute(svcFamily, u16(unix.AF_INET)...), attribute(svcMark, u32(7)...))...)},
		{"a tunnel", encodeServer(gue), attribute(attrDest, join(attribute(destAddress, 10, 0, 0, 11), attribute(destPort, 0, 53), attribute(destFamily, u16(unix.AF_INET)...),
			attribute(destForward, u32(2)...), attribute(destWeight, u32(2)...), attribute(destUpper, u32(3)...), attribute(destLower, u32(1)...),
			attribute(destWrap, 1), attribute(destWrapPort, 0x17, 0xc0), attribute(destWrapFlags, u16(2)...))...)},
		{"a sync daemon", encodeSync(ipvs.Sync{Role: ipvs.Master, ID: 9, Interface: "eth1"}), attribute(attrDaemon, join(attribute(daemonState, u32(1)...),
			attribute(daemonInterface, 'e', 't', 'h', '1', 0), attribute(daemonID, u32(9)...))...)},
		{"the end of one", encodeSync(ipvs.Sync{Role: ipvs.Backup}), attribute(attrDaemon, attribute(daemonState, u32(2)...)...)},
	} {
		if diff := cmp.Diff(tt.want, tt.got.Serialize()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestServersAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := ipvs.Server{
			Address: rapid.SampledFrom([]netip.AddrPort{netip.MustParseAddrPort("10.0.0.11:80"), netip.MustParseAddrPort("[fd00::11]:0")}).Draw(t, "address"),
			Forward: rapid.SampledFrom([]ipvs.Forward{ipvs.NAT, ipvs.DR, ipvs.Tunnel}).Draw(t, "forward"),
			Weight:  rapid.IntRange(0, ipvs.MaxWeight).Draw(t, "weight"),
			Upper:   rapid.Uint32().Draw(t, "upper"),
			Lower:   rapid.Uint32().Draw(t, "lower"),
		}
		if s.Forward == ipvs.Tunnel {
			s.Tunnel = ipvs.Encapsulation{
				Wrap: ipvs.Wrap(rapid.IntRange(0, 2).Draw(t, "wrap")), Port: rapid.Uint16().Draw(t, "port"), Checksum: ipvs.Checksum(rapid.IntRange(0, 2).Draw(t, "checksum")),
			}
		}
		got, _, err := decodeServer(append([]byte{5, 1, 0, 0}, encodeServer(s).Serialize()...), unix.AF_INET)
		if err != nil || got != s {
			t.Fatalf("got %+v, %v, want %+v", got, err, s)
		}
	})
}

// What moby/ipvs is told of a service is what is read of it.
func TestOptionsAreReadAsMobyWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]ipvs.Key{{Mark: 1}, {Mark: 1, IPv6: true}}).Draw(t, "key")
		most := 32
		if key.IPv6 {
			most = 128
		}
		o := ipvs.Options{Scheduler: "mh", Flags: ipvs.Flags(rapid.IntRange(0, 15).Draw(t, "flags")), Bits: most}
		if rapid.Bool().Draw(t, "persistent") {
			o.Persistence = time.Duration(rapid.IntRange(1, 1<<20).Draw(t, "seconds")) * time.Second
			o.Bits = rapid.IntRange(1, most).Draw(t, "bits")
		}
		s := service(key, o)
		a, err := parse(append(append(attribute(svcFlags, append(u32(s.Flags), u32(0xffffffff)...)...), attribute(svcTimeout, u32(s.Timeout)...)...),
			append(attribute(svcNetmask, u32(s.Netmask)...), attribute(svcScheduler, append([]byte(s.SchedName), 0)...)...)...))
		if err != nil {
			t.Fatal(err)
		}
		if got := decodeOptions(a, uint64(s.AddressFamily)); got != o {
			t.Fatalf("got %+v, want %+v", got, o)
		}
	})
}

func TestAMaskOfIPv4IsInNetworkOrder(t *testing.T) {
	b := u32(netmask(20, false))
	if got := binary.BigEndian.Uint32(b); got != 0xfffff000 {
		t.Errorf("got %x", got)
	}
}

func TestAnswersThatAreCutShortAreRefused(t *testing.T) {
	whole := answer(attrService, attribute(svcFamily, u16(unix.AF_INET)...), attribute(svcAddress, 10, 0, 0, 3))
	for n := range whole {
		if _, err := decodeService(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d are taken for a service", n, len(whole))
		}
	}
}

// A name that no kernel has stands for a kernel without IPVS.
func TestAKernelWithoutIPVSIsOneClearError(t *testing.T) {
	_, err := findFamily("no-such-family")
	if text := explainFamily(err).Error(); !strings.Contains(text, "modprobe ip_vs") || !errors.Is(explainFamily(err), ErrNone) {
		t.Errorf("%v becomes %q", err, text)
	}
}

func TestAModuleThatWasLoadedAnewIsRefused(t *testing.T) {
	before := first.family
	defer func() { first.family = before }()
	first.family = 0
	if err := mobyKnows(30); err != nil {
		t.Fatal(err)
	}
	if err := mobyKnows(30); err != nil {
		t.Error(err)
	}
	if err := mobyKnows(31); err == nil || !strings.Contains(err.Error(), "restart pairkeeper") {
		t.Errorf("got %v", err)
	}
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	key := ipvs.Key{Protocol: ipvs.TCP, Address: netip.MustParseAddrPort("[fd00::3]:80")}
	for _, tt := range []struct {
		op   ipvs.Op
		err  error
		want string
	}{
		{ipvs.AddService{Key: key, Options: ipvs.Options{Scheduler: "mh"}}, unix.ENOENT, "add tcp [fd00::3]:80: mh: the kernel has no scheduler mh"},
		{ipvs.EditService{Key: key, Options: ipvs.Options{Scheduler: "rr", Engine: "sip"}}, unix.ENOENT, "modprobe ip_vs_pe_sip"},
		{ipvs.AddServer{Key: key, Server: ipvs.Server{Address: netip.MustParseAddrPort("10.0.0.11:80")}}, unix.EINVAL, "only behind a tunnel"},
		{ipvs.StartSync{Sync: ipvs.Sync{Role: ipvs.Master, Interface: "eth9"}}, unix.ENODEV, "there is no interface eth9"},
		{ipvs.RemoveService{Key: key}, unix.ESRCH, "it is not there any more"},
		{ipvs.AddService{Key: key}, unix.EEXIST, "it is there already"},
		{ipvs.RemoveService{Key: key}, unix.EPERM, "CAP_NET_ADMIN is missing"},
		{ipvs.RemoveService{Key: key}, unix.EIO, "input/output error"},
	} {
		if got := (&Refused{tt.op, tt.err}).Error(); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %q, want %q in it", tt.err, got, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(answer(attrService, attribute(svcFamily, u16(unix.AF_INET)...), attribute(svcAddress, 10, 0, 0, 3)))
	f.Add(answer(attrDest, attribute(destAddress, make([]byte, 16)...), attribute(destStats64, attribute(statsCPS, u64(1)...)...)))
	f.Add([]byte{1, 1, 0, 0, 3, 0, 1, 0})
	f.Fuzz(func(t *testing.T, msg []byte) {
		if u, err := decodeService(msg); err == nil && u.Service.Key == (ipvs.Key{}) {
			t.Errorf("a service without a key")
		}
		if s, _, err := decodeServer(msg, unix.AF_INET6); err == nil && !s.Address.IsValid() {
			t.Errorf("a server without an address")
		}
		_, _ = decodeSync(msg)
		_, _ = decodeTimeouts(msg)
	})
}
