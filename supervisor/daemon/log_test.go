package daemon

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
)

// A record of every kind of field.
func sample() record {
	r := record{
		at: time.Date(2026, 8, 1, 12, 0, 3, 4_500_000, time.FixedZone("", 7200)), level: slog.LevelWarn,
		text: `web: BACKUP -> ACTIVE <"peer-silent">`,
	}
	for _, a := range []slog.Attr{
		slog.String(fieldRouter, "web"), slog.Int(fieldPriority, 100), slog.String(fieldMessageID, "0af9"),
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
