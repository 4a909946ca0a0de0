package ipvs

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWhatIsOursIsReadAsItWasWritten(t *testing.T) {
	o := Owned{
		Services: []Key{
			{Protocol: TCP, Address: netip.MustParseAddrPort("10.0.0.3:80")}, {Protocol: UDP, Address: netip.MustParseAddrPort("10.0.0.3:80")},
			{Protocol: SCTP, Address: netip.MustParseAddrPort("[fd00::3]:80")}, {Mark: 7}, {Mark: 7, IPv6: true},
		},
		Sync: []Role{Master, Backup},
	}
	const text = "tcp 10.0.0.3:80\nudp 10.0.0.3:80\nsctp [fd00::3]:80\nfwmark 7\nfwmark 7 IPv6\nsync master\nsync backup\n"
	if got := o.String(); got != text {
		t.Errorf("writes %q", got)
	}
	got, err := ParseOwned(text)
	if diff := cmp.Diff(o, got, same); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestALineThatIsNoServiceIsToldAndTheOthersAreRead(t *testing.T) {
	got, err := ParseOwned("fwmark 0\ntcp 10.0.0.3:80\ntcp 10.0.0.3\nicmp 10.0.0.3:1\nfwmark 4294967296\n\n")
	if err == nil || strings.Contains(err.Error(), "10.0.0.3:80") || !strings.Contains(err.Error(), `"icmp 10.0.0.3:1"`) {
		t.Errorf("got %v", err)
	}
	if len(got.Services) != 1 {
		t.Errorf("read %v", got)
	}
}

func TestEitherIsOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := tables().Draw(t, "a"), tables().Draw(t, "b")
		both := Of(a).And(Of(b))
		if !both.Equal(Of(b).And(Of(a))) || !both.And(both).Equal(both) {
			t.Fatalf("%v", both)
		}
		for _, s := range append(a.Services, b.Services...) {
			if !strings.Contains(both.String(), s.Key.String()+"\n") {
				t.Fatalf("%s is missing in %s", s.Key, both)
			}
		}
	})
}
