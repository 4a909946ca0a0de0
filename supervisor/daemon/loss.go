package daemon

// loss counts the messages of a heartbeat link that did not come, by the gaps in their
// sequence. Those of which none came at all afterwards are not missed.
type loss struct {
	session, last uint64
	count         uint64
}

// heard takes note of a message: each link has every links-th number of a session.
func (l *loss) heard(session, sequence uint64, links int) {
	switch {
	case session != l.session:
		l.session, l.last = session, sequence
	case sequence > l.last:
		if gap := (sequence - l.last) / uint64(links); gap > 1 {
			l.count += gap - 1
		}
		l.last = sequence
	}
}
