package daemon

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// A record of every kind of field.
func sample() record {
	r := record{
		at: time.Date(2026, 8, 1, 12, 0, 3, 4_500_000, time.FixedZone("", 7200)), level: slog.LevelWarn,
		text: `web: BACKUP -> ACTIVE <"peer-silent">`,
	}
	for _, a := range []slog.Attr{
		slog.String(logbook.Router, "web"), slog.Int(logbook.Priority, 100), slog.String(logbook.MessageID, "0af9"),
		slog.String("source", "proxy"), slog.Int("pid", 7), slog.Any("error", errors.New("no\nway")), slog.Bool("last", true),
		slog.String("source", "nginx"), // again: it counts
	} {
		r.add(a)
	}
	return r
}

func TestATextLineHasItsFieldsInTheOrderGiven(t *testing.T) {
	want := "12:00:03.004 WARN  web: BACKUP -> ACTIVE <\"peer-silent\"> source=nginx pid=7 error=no\nway last=true\n"
	for range 100 { // of a map the order would differ
		if got := string(textLine(sample())); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}

func TestAJSONLineHasShortNamesAndMilliseconds(t *testing.T) {
	want := `{"time":"2026-08-01T12:00:03.004+02:00","level":"warn","msg":"web: BACKUP -> ACTIVE <\"peer-silent\">",` +
		`"router":"web","priority":100,"message_id":"0af9","source":"nginx","pid":7,"error":"no\nway","last":true}` + "\n"
	if got := string(jsonLine(sample())); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What a proxy prints may be anything.
func TestAJSONLineIsOneValidLine(t *testing.T) {
	r := record{text: "a\nb\xff\u2028", fields: []slog.Attr{slog.Float64("x", math.NaN()), slog.String("y\"", "\x00\x1b")}}
	line := jsonLine(r)
	var back map[string]any
	if err := json.Unmarshal(line, &back); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if strings.Count(string(line), "\n") != 1 || back["msg"] != "a\nb\ufffd\u2028" || back["x"] != "NaN" || back[`y"`] != "\x00\x1b" {
		t.Errorf("%q: %v", line, back)
	}
}

func TestEveryKindOfRecordBearsItsID(t *testing.T) {
	wrote := make(chan record, 10)
	log, flush := newLogger(func(r record) error { wrote <- r; return nil })
	j := newJournal(log.With(logbook.Node, "lb01"))
	r := supervisor.Router{Name: "web", Interface: "eth0"}
	peer := netip.MustParseAddr("10.0.0.6")
	j.transition(r, supervisor.NewNode(supervisor.Config{}), vrrp.Enter{From: vrrp.Backup, To: vrrp.Active, Reason: vrrp.ReasonPeerSilent, Peer: peer})
	j.note(supervisor.Note{Router: "web", Reason: vrrp.ReasonLowerAdvert, Detail: "x"}, fieldsOf(r, peer)...)
	j.serve(supervisor.Config{Proxy: supervisor.Proxy{Unit: "nginx.service"}})
	j.note(supervisor.Note{Reason: supervisor.ReasonProxyFailed, Detail: "x"})
	j.refused(r, vrrp.RefusalChecksum, peer, 1)
	log.Info("a line of the proxy")
	flush()
	close(wrote)
	var got []string
	for r := range wrote {
		var words []string
		for _, f := range r.fields {
			words = append(words, strings.TrimPrefix(f.Key, logbook.Prefix)+"="+f.Value.String())
		}
		got = append(got, strings.Join(words, " "))
	}
	want := []string{
		"NODE=lb01 REASON=peer-silent ROUTER=web INTERFACE=eth0 PEER=10.0.0.6 STATE=ACTIVE OLD_STATE=BACKUP PRIORITY=0 MESSAGE_ID=" + logbook.IDOf("ACTIVE", "peer-silent", ""),
		"NODE=lb01 REASON=lower-advert ROUTER=web INTERFACE=eth0 PEER=10.0.0.6 MESSAGE_ID=" + logbook.IDOf("", "lower-advert", ""),
		"NODE=lb01 REASON=proxy-failed PROXY=nginx.service MESSAGE_ID=" + logbook.IDOf("", "proxy-failed", ""),
		"NODE=lb01 REASON=advert-refused ROUTER=web INTERFACE=eth0 REFUSAL=checksum PEER=10.0.0.6 PROXY=nginx.service MESSAGE_ID=" + logbook.IDOf("", "advert-refused", "checksum"),
		"",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the fields are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
