package notifynet

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// compose writes a mail (RFC 5322). What others named is
// visible text by now, so that nothing in it can be taken for a line of the header.
func compose(cfg supervisor.Mail, list []message, now time.Time) []byte {
	last := &list[len(list)-1]
	subject := "[pairkeeper] " + last.Subject()
	if more := len(list) - 1; more > 0 {
		subject += fmt.Sprintf(" (and %d more)", more)
	}
	var b bytes.Buffer
	line := func(key, value string) { b.WriteString(fold(key+": "+value) + "\r\n") }
	line("From", (&mail.Address{Name: "pairkeeper on " + last.Node, Address: cfg.From}).String())
	line("To", strings.Join(cfg.To, ", "))
	line("Subject", mime.QEncoding.Encode("utf-8", subject))
	line("Date", now.Format(time.RFC1123Z))
	line("Message-ID", "<"+last.id+"@"+domain(last.Node)+">")
	line("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	line("MIME-Version", "1.0")
	line("Content-Type", "text/plain; charset=utf-8")
	line("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	for i := range list {
		if i > 0 {
			_, _ = w.Write([]byte("\n"))
		}
		_, _ = w.Write([]byte(list[i].text()))
	}
	_ = w.Close() // into memory
	return b.Bytes()
}

// fold parts a line of the header at its spaces (RFC 5322 2.2.3).
func fold(s string) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Split(s, " ") {
		switch {
		case i == 0:
		case n+1+len(word) > foldAt:
			b.WriteString("\r\n ")
			n = 1
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}

// foldAt is the length of a line that RFC 5322 2.1.1 asks for.
const foldAt = 78

// domain makes a node's name fit for a Message-ID.
func domain(node string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, node)
}
