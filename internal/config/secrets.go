package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxPassword is what a VRRPv2 advert has room for (RFC 2338 5.3.10).
const maxPassword = 8

// The length of a key of auth_hmac, in bytes.
const minKey, maxKey = 32, 64

// mask stands for a password in what Print writes. It is refused as a password, so that
// a printed configuration cannot be taken for the real one.
const mask = "********"

// secret is a password, or a key of HMAC, and where it comes from.
type secret struct {
	id         uint8  // of the key; 0: a password
	file       string // a file of its own, or
	credential string // one of systemd; none of both: the configuration has it
	key        []byte // nil: not read yet
	skipped    bool   // not to be read
	plain      bool   // any line of visible ASCII
	line       int
	path       string
}

func (s secret) error(file, text string) Error {
	what := s.file
	if s.credential != "" {
		what = "the credential " + s.credential
	}
	return Error{File: file, Line: s.line, Path: s.path, Text: show(what) + " " + text}
}

// credentialName is what systemd calls a credential, cautiously.
var credentialName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,253}$`)

// secret is a password; no message repeats it.
func (v value) secret() ([]byte, bool) {
	v.expect(form{"type": "string"})
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

// decodeKey reads a key of HMAC as keepalived does: hex digits after hex:, else the text
// itself.
func decodeKey(s string) (key []byte, wrong string) {
	digits, isHex := strings.CutPrefix(s, "hex:")
	if isHex {
		var err error
		if key, err = hex.DecodeString(digits); err != nil {
			return nil, "is not an even number of hex digits after hex:"
		}
	} else if key = []byte(s); strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, "is neither hex: with hex digits nor one line of visible ASCII: make one with: printf 'hex:%s\\n' \"$(openssl rand -hex 32)\""
	}
	if n := len(key); n < minKey || n > maxKey {
		return nil, fmt.Sprintf("has a key of %d bytes, %d to %d are allowed: make one with: printf 'hex:%%s\\n' \"$(openssl rand -hex 32)\"", n, minKey, maxKey)
	}
	return key, ""
}

// ReadSecrets reads the secrets that lie in files of their own or are credentials of
// systemd, which are files in the directory of that name; empty: there is none.
func (d *Document) ReadSecrets(credentials string) error {
	var errs Errors
	for s := range d.secrets {
		if wrong := s.read(credentials); wrong != "" {
			errs = append(errs, s.error(d.file, wrong))
		}
	}
	if len(errs) > 0 {
		return errs.sort()
	}
	return nil
}

// skipCredentials leaves out the credentials, and says so of each.
func (d *Document) skipCredentials() (list []Error) {
	for s := range d.secrets {
		if s.credential != "" {
			s.skipped = true
			list = append(list, s.error(d.file, "has not been looked at: only the service has it"))
		}
	}
	return list
}

// secrets goes through those of the routers, of the receivers and of the heartbeat.
func (d *Document) secrets(yield func(*secret) bool) {
	for i := range d.routers {
		for j := range d.routers[i].secrets {
			if !yield(&d.routers[i].secrets[j]) {
				return
			}
		}
	}
	for i := range d.receivers {
		for _, s := range []*secret{d.receivers[i].password, d.receivers[i].token, d.receivers[i].signing} {
			if s != nil && !yield(s) {
				return
			}
		}
	}
	if d.heartbeat == nil {
		return
	}
	for i := range d.heartbeat.secrets {
		if !yield(&d.heartbeat.secrets[i]) {
			return
		}
	}
}

// read reads the secret unless the configuration has it.
func (s *secret) read(credentials string) (wrong string) {
	path := s.file
	switch {
	case s.skipped || s.file == "" && s.credential == "":
		return ""
	case s.credential != "" && credentials == "":
		return "is out of reach, $CREDENTIALS_DIRECTORY is not set: add LoadCredential=" + s.credential + ":… to the service (systemctl edit pairkeeper), or use a file"
	case s.credential != "":
		path = filepath.Join(credentials, s.credential)
	}
	text, wrong := readSecretFile(path)
	switch {
	case wrong == missing && s.credential != "":
		return "is not there: add LoadCredential=" + s.credential + ":… to the service (systemctl edit pairkeeper)"
	case wrong != "":
		return wrong
	case s.id != 0:
		s.key, wrong = decodeKey(text)
		return wrong
	case s.plain:
		if wrong = wrongLine(text); wrong == "" {
			s.key = []byte(text)
		}
		return wrong
	}
	if wrong = wrongPassword(text); wrong == "" {
		s.key = []byte(text)
	}
	return wrong
}

// wrongLine says why a text is no line of visible ASCII.
func wrongLine(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		return "is not one line of visible ASCII"
	}
	return ""
}

const missing = "cannot be read: there is no such file"

// readSecretFile reads a file with one secret; the end of its line does not count.
func readSecretFile(path string) (text, wrong string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", missing
	case err != nil:
		return "", "cannot be read: " + reason(err)
	case !info.Mode().IsRegular():
		return "", "is not a file"
	case info.Mode().Perm()&0o007 != 0:
		return "", fmt.Sprintf("can be read by anybody (mode %04o): chmod 0640 %s", info.Mode().Perm(), show(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "cannot be read: " + reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", "cannot be read: " + reason(err)
	}
	return strings.TrimRight(string(data), "\r\n"), ""
}

// ReadKeyFile reads a key of HMAC from a file.
func ReadKeyFile(path string) ([]byte, error) {
	text, wrong := readSecretFile(path)
	var key []byte
	if wrong == "" {
		key, wrong = decodeKey(text)
	}
	if wrong != "" {
		return nil, errors.New(path + " " + wrong)
	}
	return key, nil
}
