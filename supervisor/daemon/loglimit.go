package daemon

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
)

// limitEvery is how often an entry that repeats itself is written again.
const limitEvery = time.Minute

// maxKeys bounds the different entries within limitEvery that may repeat: more come only
// from somebody who invents their sources. Those about somebody else may be half of them.
const maxKeys = 256

// limit keeps entries back that repeat themselves, and says how many.
type limit struct {
	last    map[string]limited // by what repeats
	crowd   int                // kept back because there are too many different ones
	sweepAt time.Time
}

// limited is an entry that repeats itself.
type limited struct {
	entry  entry
	at     time.Time // when it was written
	missed int       // kept back since
}

func newLimit() limit { return limit{last: map[string]limited{}} }

// pass tells whether an entry may be written, and how it reads then.
func (l *limit) pass(t time.Time, key string, e entry) (entry, bool) {
	before, known := l.last[key]
	if known && t.Sub(before.at) < limitEvery {
		before.missed++
		before.entry = e
		l.last[key] = before
		return e, false
	}
	if !known && len(l.last) >= room(e) {
		l.crowd++
		return e, false
	}
	l.last[key] = limited{entry: e, at: t}
	if before.missed > 0 {
		e.text += fmt.Sprintf(" (and %d times more since)", before.missed)
	}
	return e, true
}

// room is among how many different ones an entry still finds its place.
func room(e entry) int {
	if slices.Contains(e.fields, any(logbook.Peer)) {
		return maxKeys / 2
	}
	return maxKeys
}

// renew makes entries news again whose keys begin with a prefix.
func (l *limit) renew(prefix string) {
	for key, e := range l.last {
		if strings.HasPrefix(key, prefix) {
			e.at = time.Time{}
			l.last[key] = e
		}
	}
}

// sweep forgets what has not been written for a while, and returns what is left to say of
// it. It is called often, and looks once a minute.
func (l *limit) sweep(t time.Time) []entry {
	if t.Before(l.sweepAt) {
		return nil
	}
	l.sweepAt = t.Add(limitEvery)
	var left []entry
	for _, key := range slices.Sorted(maps.Keys(l.last)) {
		e := l.last[key]
		if t.Sub(e.at) < limitEvery {
			continue
		}
		if e.missed > 0 {
			e.entry.text += fmt.Sprintf(" (%d times more since it was last written)", e.missed)
			left = append(left, e.entry)
		}
		delete(l.last, key)
	}
	if l.crowd > 0 {
		left = append(left, entry{slog.LevelWarn, logbook.Suppressed,
			fmt.Sprintf("%d records more were kept back within a minute: too many different ones; pairkeeper status counts them", l.crowd), nil})
		l.crowd = 0
	}
	return left
}
