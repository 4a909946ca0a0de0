package logbook

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A line of journalctl -o json, as systemd 252 prints it.
const line = `{"MESSAGE":"web: BACKUP -> ACTIVE (peer-silent) [MASTER], peer 10.0.0.5","PAIRKEEPER_ROUTER":"web","PAIRKEEPER_STATE":"ACTIVE",` +
	`"PAIRKEEPER_OLD_STATE":"BACKUP","PAIRKEEPER_REASON":"peer-silent","PAIRKEEPER_PRIORITY":"100","PAIRKEEPER_PEER":"10.0.0.5",` +
	`"__REALTIME_TIMESTAMP":"1785585600000001","__MONOTONIC_TIMESTAMP":"5000000","_BOOT_ID":"b0","__CURSOR":"s=1"}`

func with(old, new string) string { return strings.Replace(line, old, new, 1) }

func TestALineOfTheJournalIsRead(t *testing.T) {
	e, err := Parse([]byte(line))
	want := Entry{
		Event: Transition, At: noon.Add(time.Microsecond).Local(), Up: 5 * time.Second, Boot: "b0", Router: "web", State: "ACTIVE", OldState: "BACKUP",
		Reason: "peer-silent", Peer: "10.0.0.5", Priority: 100, Message: "web: BACKUP -> ACTIVE (peer-silent) [MASTER], peer 10.0.0.5",
	}
	if err != nil || e != want {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestOddFieldsAreNoHarm(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		ok   func(Entry) bool
	}{
		"bytes":                 {with(`"peer-silent"`, `[112,255,10]`), func(e Entry) bool { return e.Reason == "p\ufffd " }},
		"several":               {with(`"100"`, `["90","100"]`), func(e Entry) bool { return e.Priority == 90 }},
		"several, one of bytes": {with(`"10.0.0.5","__REAL`, `[[255],"x"],"__REAL`), func(e Entry) bool { return e.Peer == "" }},
		"too large":             {with(`"web: BACKUP -> ACTIVE (peer-silent) [MASTER], peer 10.0.0.5"`, `null`), func(e Entry) bool { return e.Message == "" }},
		"a number too large":    {with(`"100"`, `"99999999999999999999"`), func(e Entry) bool { return e.Priority >= 0 }},
		"an escape sequence":    {with(`[MASTER]`, `\u001b[31m`), func(e Entry) bool { return !strings.ContainsRune(e.Message, 0x1b) }},
		"no monotonic time":     {with(`"5000000"`, `""`), func(e Entry) bool { return e.Up == 0 }},
		"a time out of range":   {with(`"5000000"`, `"9223372036854775807"`), func(e Entry) bool { return e.Up == 0 }},
		"late":                  {with(`"5000000"`, `"5000000","PAIRKEEPER_LATE":"2000000"`), func(e Entry) bool { return e.Up == 3*time.Second && e.At.Before(noon) }},
		"late in the socket":    {with(`"5000000"`, `"5000000","_SOURCE_REALTIME_TIMESTAMP":"1785585598000001"`), func(e Entry) bool { return e.Up == 3*time.Second && e.At.Before(noon) }},
		"sent in the future":    {with(`"5000000"`, `"5000000","_SOURCE_REALTIME_TIMESTAMP":"1785585698000001"`), func(e Entry) bool { return e.Up == 5*time.Second }},
		"late beyond measure":   {with(`"5000000"`, `"5000000","PAIRKEEPER_LATE":"9000000"`), func(e Entry) bool { return e.Up == 5*time.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := Parse([]byte(c.line)); err != nil || !c.ok(e) {
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	for _, l := range []string{"", "{", "[]", `"x"`, "null", "-- No entries --", "{}", with(`"b0"`, `""`), with(`"1785585600000001"`, `"-1"`), with(`"ACTIVE"`, `""`), with(`"web"`, `null`)} {
		if e, err := Parse([]byte(l)); err == nil {
			t.Errorf("%s: %+v", l, e)
		}
	}
}

func TestAMatchForEachEvent(t *testing.T) {
	got := strings.Join(Matches("web", "pairkeeper.service"), " ")
	want := "PAIRKEEPER_ROUTER=web PAIRKEEPER_STATE=INIT PAIRKEEPER_STATE=BACKUP PAIRKEEPER_STATE=ACTIVE PAIRKEEPER_STATE=FAULT + " +
		"PAIRKEEPER_ROUTER=web MESSAGE_ID=" + ids["cleaned"] + " + " +
		"MESSAGE_ID=" + ids["begins"] + " MESSAGE_ID=" + ids["ends"] + " MESSAGE_ID=" + ids["breaks-off"] + " + " +
		"_PID=1 UNIT=pairkeeper.service MESSAGE_ID=" + exitID
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if strings.Contains(strings.Join(Matches("", "x"), " "), "PAIRKEEPER_ROUTER") {
		t.Error("a match of no router's name")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(line), []byte(with(`"peer-silent"`, `[112,255]`)))
	f.Add([]byte(with("ACTIVE", "FAULT")), []byte(`{"MESSAGE":null,"MESSAGE_ID":"`+exitID+`"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var entries []Entry
		for _, l := range [][]byte{a, b} {
			e, err := Parse(l)
			if err != nil {
				continue
			}
			if e.Event == "" || e.Up < 0 || e.At.IsZero() || e.Boot == "" || !utf8.ValidString(e.Message+e.Router+e.Reason+e.Peer) {
				t.Errorf("%+v", e)
			}
			entries = append(entries, e)
		}
		for _, r := range History(entries, Now{Boot: "b0", Up: time.Hour}) {
			if r.Lasted < 0 || !slices.Contains([]Length{Unknown, Exact, SoFar, AtMost, ByClock}, r.Length) {
				t.Errorf("%+v", r)
			}
		}
	})
}
