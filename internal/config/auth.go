package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// maxPassword is what a VRRPv2 advert has room for (RFC 2338 5.3.10).
const maxPassword = 8

// mask stands for a password in what Print writes. It is refused as a password, so that
// a printed configuration cannot be taken for the real one.
const mask = "********"

// password is a secret that lies in a file of its own.
type password struct {
	file string // empty: none
	key  []byte // nil: not read yet
	line int
	path string
}

func (p password) unread() bool { return p.file != "" && p.key == nil }

func (p password) error(file, text string) Error {
	return Error{File: file, Line: p.line, Path: p.path, Text: show(p.file) + " " + text}
}

const authExample = `{type: pass, password: "…"}`

// readAuth reads auth:, which only VRRPv2 has.
func readAuth(f fields, s *supervisor.Router) password {
	v, ok := f.keys["auth"]
	if !ok {
		return password{}
	}
	a, ok := v.fields(authExample, "type", "password", "password_file")
	if !ok {
		return password{}
	}
	kind := "none"
	if t, ok := a.need("type", "pass"); ok {
		if kind, ok = t.one("none", "pass"); !ok {
			return password{}
		}
	}
	if kind == "none" {
		for _, key := range []string{"password", "password_file"} {
			if a.has(key) && a.has("type") {
				a.keys[key].errorf("has no effect with type: none: remove it, or write type: pass")
			}
		}
		return password{}
	}
	if s.VRRP.Version == vrrp.V3 {
		v.errorf("is for version 2: VRRPv3 has no authentication (RFC 9568 9), remove it or write version: 2")
	}
	v.warnf("type pass sends the password in clear text: it guards against mistakes, not against anybody on the network")
	s.Format.Auth.Type = vrrp.AuthPass
	return readSecret(a, s)
}

// readSecret reads password: or password_file:.
func readSecret(a fields, s *supervisor.Router) password {
	inline, file := a.has("password"), a.has("password_file")
	switch {
	case inline && file:
		a.errorf("has both password: and password_file:, remove one")
	case !inline && !file:
		a.errorf("needs password: or password_file: with type: pass")
	case inline:
		if key, ok := a.keys["password"].secret(); ok {
			s.Format.Auth.Key = key
		}
	default:
		p := password{line: a.keys["password_file"].at(), path: a.keys["password_file"].path}
		if a.text("password_file", &p.file, "a path such as /etc/pairkeeper/vrrp.pass") && !filepath.IsAbs(p.file) {
			a.keys["password_file"].errorf("%s is not an absolute path", show(p.file))
		}
		return p
	}
	return password{}
}

// secret is a password; no message repeats it.
func (v value) secret() ([]byte, bool) {
	if !v.is(yaml.ScalarNode, "a password in quotes") {
		return nil, false
	}
	if v.node.Tag != "!!str" {
		v.errorf("is %s, text is needed: write it in quotes", v.kind())
		return nil, false
	}
	if v.node.Value == mask {
		v.errorf("%s is what check --print shows in place of a password: write the password", mask)
		return nil, false
	}
	if wrong := wrongPassword(v.node.Value); wrong != "" {
		v.errorf("%s", wrong)
		return nil, false
	}
	return []byte(v.node.Value), true
}

// wrongPassword says why a password cannot be sent as it is, or is empty.
func wrongPassword(s string) string {
	switch {
	case s == "":
		return "is empty: write 1 to 8 bytes"
	case len(s) > maxPassword:
		return fmt.Sprintf("has %d bytes, an advert has room for %d: keepalived silently sends the first %d of a longer one, so write only those here", len(s), maxPassword, maxPassword)
	case strings.ContainsAny(s, "\r\n"):
		return "has more than one line"
	case strings.ContainsRune(s, 0):
		return "contains a NUL byte, with which adverts pad a password"
	}
	return ""
}

// ReadPasswords reads the passwords that lie in files of their own.
func (d *Document) ReadPasswords() error {
	var errs Errors
	for i := range d.routers {
		p := &d.routers[i].password
		if p.file == "" {
			continue
		}
		key, err := readPassword(p.file)
		if err != "" {
			errs = append(errs, p.error(d.file, err))
			continue
		}
		p.key = key
	}
	if len(errs) > 0 {
		return errs.sort()
	}
	return nil
}

// readPassword reads a file with one password; the end of its line does not count.
func readPassword(path string) (key []byte, wrong string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, "cannot be read: " + reason(err)
	case !info.Mode().IsRegular():
		return nil, "is not a file"
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Sprintf("can be read by anybody (mode %04o): chmod 0640 %s", info.Mode().Perm(), show(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "cannot be read: " + reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil, "cannot be read: " + reason(err)
	}
	s := strings.TrimRight(string(data), "\r\n")
	if wrong := wrongPassword(s); wrong != "" {
		return nil, wrong
	}
	return []byte(s), ""
}
