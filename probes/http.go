package probes

import (
	"slices"
	"strings"
)

// HTTP asks a web server, over http or https.
type HTTP struct {
	URL     string
	Also    []string // more URLs, which are asked after it in the same way; all have to be good
	Method  string
	Host    string // the Host header; empty: the URL's
	Headers []Header
	Status  []StatusRange
	Body    Text   // what the beginning of the body must have
	Digest  string // of the whole body, in hexadecimal digits: SHA-256, or MD5 as keepalived's genhash prints it
	Follow  int    // redirects that are followed
	TLS     TLS
}

// Secure tells that a URL is one of https.
func (h HTTP) Secure() bool {
	return slices.ContainsFunc(append([]string{h.URL}, h.Also...), func(s string) bool { return strings.HasPrefix(s, "https:") })
}

// Header is one header of a request.
type Header struct{ Name, Value string }

// StatusRange is an inclusive range of HTTP status codes.
type StatusRange struct{ From, To int }

// TLS is how the certificate of an https server is judged.
type TLS struct {
	SNI      string // the name asked for and checked; empty: Host's, else the URL's
	CAFile   string // in place of the system's certificate authorities
	Insecure bool   // any certificate will do
	MinDays  int    // what must be left of it, in days; 0: one that is valid now
}

// Text is what a text must have; the zero value: nothing.
type Text struct {
	Contains string
	Regexp   string // Go's syntax, as in package regexp
}

// Any tells that any text will do.
func (t Text) Any() bool { return t == Text{} }

func (HTTP) isCheck() {}
