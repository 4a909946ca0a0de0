package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	sdjournal "github.com/coreos/go-systemd/v22/journal"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// writeTo writes a record as a line, at once.
func writeTo(out io.Writer, line func(record) []byte) func(record) error {
	return func(r record) error {
		_, err := out.Write(line(r))
		return err
	}
}

// textLine is a record as a person reads it. The fields of the vocabulary are left out:
// their words are in the text.
func textLine(r record) []byte {
	return fmt.Appendf(nil, "%s %-5s %s%s\n", r.at.Format("15:04:05.000"), r.level, r.text, r.others())
}

// jsonTime is RFC 3339 with milliseconds.
const jsonTime = "2006-01-02T15:04:05.000Z07:00"

// jsonLine is a record as a JSON object: time, level and msg, then the fields in their
// order, in lower case and without the prefix.
func jsonLine(r record) []byte {
	var b bytes.Buffer
	b.WriteString(`{"time":`)
	appendJSON(&b, r.at.Format(jsonTime))
	b.WriteString(`,"level":`)
	appendJSON(&b, strings.ToLower(r.level.String()))
	b.WriteString(`,"msg":`)
	appendJSON(&b, r.text)
	for _, a := range r.fields {
		b.WriteByte(',')
		appendJSON(&b, jsonKey(a.Key))
		b.WriteByte(':')
		appendJSON(&b, jsonValue(a.Value))
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func jsonKey(field string) string { return strings.ToLower(strings.TrimPrefix(field, logbook.Prefix)) }

// jsonValue is a number or a truth value as such, and all else as text.
func jsonValue(v slog.Value) any {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool:
		return v.Any()
	}
	return v.String()
}

// appendJSON writes a value as JSON, with "->" as it is.
func appendJSON(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // a float that is no number
		_ = enc.Encode(fmt.Sprint(v))
	}
	b.Truncate(b.Len() - 1) // Encode ends the line
}

func priority(level slog.Level) sdjournal.Priority {
	switch {
	case level >= slog.LevelError:
		return sdjournal.PriErr
	case level >= slog.LevelWarn:
		return sdjournal.PriWarning
	}
	return sdjournal.PriInfo
}

// late is how long a record may wait before journald's own time of it misleads.
const late = time.Second

// writeJournal keeps the fields that journald accepts as names: ours.
func writeJournal(r record) error {
	fields := map[string]string{"SYSLOG_IDENTIFIER": "pairkeeper"}
	for _, a := range r.fields {
		if own(a.Key) {
			fields[a.Key] = a.Value.String()
		}
	}
	text := r.text + r.others()
	if waited := time.Since(r.at); waited > late {
		fields[logbook.Late] = strconv.FormatInt(waited.Microseconds(), 10)
		text += fmt.Sprintf(" (%s ago: journald did not take it then)", waited.Round(time.Millisecond))
	}
	return sdjournal.Send(text, priority(r.level), fields)
}
