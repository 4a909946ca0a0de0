package config

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

const (
	authExample = `{type: pass, password: "…"}`
	hmacExample = "{type: hmac, keys: [{id: 1, file: /etc/pairkeeper/vrrp.key}]}"
	keyExample  = "{id: 1, file: /etc/pairkeeper/vrrp.key}"
)

// authKeys are the keys of auth: that belong to a type, and that type.
var authKeys = map[string][]string{
	"pass": {"password", "password_file", "password_credential"},
	"ah":   {"password", "password_file", "password_credential"},
	"hmac": {"keys", "mode", "window"},
}

// readAuth reads auth:.
func readAuth(f fields, r *router) {
	v, ok := f.keys["auth"]
	if !ok {
		return
	}
	a, ok := v.fields(authExample, "type", "password", "password_file", "password_credential", "keys", "mode", "window")
	if !ok {
		return
	}
	t, ok := a.need("type", "pass")
	if !ok {
		return
	}
	kind, ok := t.one("none", "pass", "ah", "hmac")
	if !ok {
		return
	}
	a.onlyOf(kind)
	v2 := r.shared.VRRP.Version == vrrp.V2
	switch kind {
	case "pass", "ah":
		if !v2 {
			v.errorf("is for version 2: VRRPv3 has neither (RFC 9568 9), write type: hmac, which keepalived has from 2.4.2 on, or version: 2")
		}
		readPassword(a, v, kind, r)
	case "hmac":
		if v2 {
			v.errorf("is for version 3: write version: 3, or type: pass for a peer that has version 2 only")
		}
		readHMAC(a, v, r)
	}
}

// onlyOf reports keys that belong to another type.
func (f fields) onlyOf(kind string) {
	for _, other := range []string{"pass", "hmac"} {
		for _, key := range authKeys[other] {
			if f.has(key) && !slices.Contains(authKeys[kind], key) {
				f.keys[key].errorf("has no effect with type: %s: remove it, or write type: %s", kind, other)
			}
		}
	}
}

// readPassword reads type pass and ah of VRRPv2 (RFC 2338 10.2, 10.3).
func readPassword(a fields, v value, kind string, r *router) {
	r.shared.Format.Auth.Type = vrrp.AuthPass
	if kind == "ah" {
		r.shared.Format.Auth.Type = vrrp.AuthAH
		v.warnf("type ah is HMAC-MD5 with one counter that all senders share: no protection worth the name, meant for a keepalived that has it")
	} else {
		v.warnf("type pass sends the password in clear text: it guards against mistakes, not against anybody on the network")
	}
	if s, ok := readSecret(a, "password", "password_file", "password_credential", "with type: "+kind); ok {
		r.secrets = append(r.secrets, s)
	}
}

// hmacModes are the words for vrrp's modes.
var hmacModes = []string{vrrp.HMACEnforce: "enforce", vrrp.HMACPermissive: "permissive", vrrp.HMACReceiveOnly: "receive-only"}

// The bounds of window:, and the least of its default (keepalived's).
const (
	windowLeast, windowMost = time.Second, 300 * time.Second
	windowUsual             = 5 * time.Second
)

// readHMAC reads type hmac, keepalived's auth_hmac.
func readHMAC(a fields, v value, r *router) {
	auth := &r.shared.Format.Auth
	auth.Type = vrrp.AuthHMAC
	auth.Window = max(3*r.shared.VRRP.Interval, windowUsual)
	a.duration("window", &auth.Window, windowLeast, windowMost)
	if m, ok := a.keys["mode"]; ok {
		word, _ := m.one(hmacModes...)
		switch word {
		case "permissive":
			auth.Mode = vrrp.HMACPermissive
			m.warnf("permissive takes adverts without a signature, too: a step of the migration, write mode: enforce when both nodes sign")
		case "receive-only":
			auth.Mode = vrrp.HMACReceiveOnly
			m.warnf("receive-only signs nothing and takes adverts without a signature: a step of the migration, write mode: permissive when both nodes have the keys")
		}
	}
	k, ok := a.keys["keys"]
	if !ok {
		v.errorf("needs keys with type: hmac, such as %s", hmacExample)
		return
	}
	items, ok := k.list("a list such as [" + keyExample + "]")
	if !ok {
		return
	}
	if len(items) == 0 {
		k.errorf("is empty: write a list such as [%s]", keyExample)
	}
	ids := map[int]value{}
	for _, item := range items {
		if s, ok := readKey(item, ids); ok {
			r.secrets = append(r.secrets, s)
		}
	}
}

// readKey reads an entry of keys:.
func readKey(v value, ids map[int]value) (secret, bool) {
	f, ok := v.fields(keyExample, "id", "file", "credential")
	if !ok {
		return secret{}, false
	}
	s, good := readSecret(f, "", "file", "credential", "")
	id, ok := f.need("id", "1")
	if !ok {
		return secret{}, false
	}
	n, ok := id.integer(1, 255)
	if !ok {
		return secret{}, false
	}
	if first, twice := ids[n]; twice {
		id.errorf("%d is used already by %s", n, first.place())
		return secret{}, false
	}
	ids[n] = id
	s.id = uint8(n)
	return s, good
}

// readSecret reads where a secret lies: in the file itself, in one of its own, or in a
// credential of systemd.
func readSecret(f fields, inline, file, credential, with string) (secret, bool) {
	var ways []string
	for _, key := range []string{inline, file, credential} {
		if key != "" {
			ways = append(ways, key)
		}
	}
	var given []string
	for _, key := range ways {
		if f.has(key) {
			given = append(given, key)
		}
	}
	switch len(given) {
	case 0:
		if with != "" {
			with = " " + with
		}
		f.errorf("needs %s%s", either(ways), with)
		return secret{}, false
	case 1:
	default:
		f.errorf("has both %s: and %s:, remove one", given[0], given[1])
		return secret{}, false
	}
	v := f.keys[given[0]]
	s := secret{line: v.at(), path: v.path}
	switch given[0] {
	case inline:
		s.key, _ = v.secret()
		return s, s.key != nil
	case file:
		ok := f.text(file, &s.file, "a path such as /etc/pairkeeper/vrrp.key")
		if ok && !filepath.IsAbs(s.file) {
			v.errorf("%s is not an absolute path", show(s.file))
		}
		return s, ok
	}
	ok := f.text(credential, &s.credential, "the name of a credential such as vrrp")
	if ok && !credentialName.MatchString(s.credential) {
		v.errorf("%s is not the name of a credential: letters, digits, - _ and . are allowed", show(s.credential))
	}
	return s, ok
}

// either lists keys as alternatives.
func either(keys []string) string {
	text := keys[0] + ":"
	for i, key := range keys[1:] {
		if i == len(keys)-2 {
			text += " or " + key + ":"
		} else {
			text += ", " + key + ":"
		}
	}
	return text
}
