package fencing

import "time"

// remembered is how many of our messages on a link may be on their way at once.
const remembered = 64

// Link is what is known of one heartbeat link: what came last, and what it proves. The
// zero value is a link on which nothing has happened.
//
// A message proves that the other node was alive, and heard us on this link, at the moment
// when it names a message of ours that we have only just sent: nobody else can sign that,
// and nothing that was recorded earlier names it. Without that it proves nothing: the other
// node may not hear us, or somebody plays back what it once said.
type Link struct {
	sent   [remembered]sent
	next   int
	heard  time.Time // when the newest message came
	fresh  time.Time // when the newest one came that proved something
	proven time.Time // when the message of ours was sent that it named

	session, sequence uint64 // of the newest message that was heard
	proved            bool   // that session was: another one says nothing before it is, too
	echo              echo   // the newest message, heard or not

	rtt    time.Duration
	refuse time.Time // when the other host's kernel last said that nobody listens there
}

// echo is what a message of ours names.
type echo struct{ session, sequence uint64 }

type sent struct {
	session, sequence uint64
	at                time.Time
}

// Hearing is what a link tells of the other node at a moment.
type Hearing uint8

// The hearings, in the order of what they are worth.
const (
	Silent  Hearing = iota // nothing came
	OneWay                 // something came, but it does not show that the other node hears us
	BothWay                // the other node hears us, and we hear it, just now
)

var hearingWords = [...]string{"silent", "one-way", "both-ways"}

// String is a stable word.
func (h Hearing) String() string { return hearingWords[h] }

// Sent keeps book of a message of ours.
func (l *Link) Sent(now time.Time, session, sequence uint64) {
	l.sent[l.next] = sent{session, sequence, now}
	l.next = (l.next + 1) % remembered
}

// Received judges a message that is signed. fresh: it was made within the time that a
// message may be under way, so that what it says counts. patience is for how long a link
// that fell silent still counts.
func (l *Link) Received(now time.Time, h *Heartbeat, patience time.Duration) (fresh bool, r Refusal) {
	proof := l.sentAt(h.EchoSession, h.EchoSequence)
	fresh = !proof.IsZero() && now.Sub(proof) <= 2*patience
	switch {
	case h.Session == l.session && h.Sequence <= l.sequence:
		return false, RefusalReplay
	case h.Session != l.session && !fresh && l.Hearing(now, patience) == BothWay:
		return false, RefusalReplay // a daemon that began anew gets heard when the old one is silent
	}
	l.echo = echo{h.Session, h.Sequence}
	if h.Session != l.session && !fresh && l.proved {
		return false, "" // a daemon that began anew, to which this is named, or a playback
	}
	l.session, l.sequence, l.heard = h.Session, h.Sequence, now
	if fresh {
		l.fresh, l.rtt, l.proved = now, now.Sub(proof), true
		if proof.After(l.proven) {
			l.proven = proof
		}
	}
	return fresh, ""
}

// prove tells that a session was proven on another link, with a message of this sequence.
func (l *Link) prove(session, sequence uint64) {
	if l.session != session {
		l.session, l.sequence = session, sequence
	}
	l.proved = true
}

// sentAt is when a message of ours was sent; zero: it is none, or too old.
func (l *Link) sentAt(session, sequence uint64) time.Time {
	if sequence == 0 {
		return time.Time{}
	}
	for i := range l.sent {
		if s := &l.sent[i]; s.sequence == sequence && s.session == session {
			return s.at
		}
	}
	return time.Time{}
}

// Echo is what our next message has to name.
func (l *Link) Echo() (session, sequence uint64) { return l.echo.session, l.echo.sequence }

// Refused tells that the other host's kernel said that nobody listens there: its daemon is
// gone, it lives. That is not signed.
func (l *Link) Refused(now time.Time) { l.refuse = now }

// Hearing is what the link tells now of the other node.
func (l *Link) Hearing(now time.Time, patience time.Duration) Hearing {
	switch {
	case !l.fresh.IsZero() && now.Sub(l.fresh) <= patience:
		return BothWay
	case !l.heard.IsZero() && now.Sub(l.heard) <= patience:
		return OneWay
	}
	return Silent
}

// ends is when a hearing is over unless a message comes; zero: never.
func (l *Link) ends(h Hearing, patience time.Duration) time.Time {
	switch h {
	case BothWay:
		return l.fresh.Add(patience + 1)
	case OneWay:
		return l.heard.Add(patience + 1)
	}
	return time.Time{}
}
