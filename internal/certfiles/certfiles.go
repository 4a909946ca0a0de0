// Package certfiles finds the certificates that a configuration of nginx or HAProxy names.
package certfiles

import (
	"path/filepath"
	"slices"
	"strings"
)

// naming are the words of nginx and HAProxy after which a certificate, a key or a list of
// those is named.
var naming = []string{
	"ssl_certificate", "ssl_certificate_key", "ssl_client_certificate", "ssl_trusted_certificate", "ssl_dhparam", "ssl_crl",
	"proxy_ssl_certificate", "proxy_ssl_certificate_key", "proxy_ssl_trusted_certificate",
	"crt", "crt-list", "ca-file", "ca-verify-file", "crl-file", "ssl-dh-param-file", "key",
}

// Named are the files that the text of a configuration of nginx or HAProxy names as
// certificates and the like. It is tolerant: what it does not understand it leaves out, and
// so a relative path, unless HAProxy's crt-base or ca-base says where it lies; without
// these it lies in the folder of the configuration, which is watched as a whole.
func Named(_ string, text []byte) []string {
	var list []string
	bases := map[string]string{}
	for line := range strings.Lines(string(text)) {
		words := wordsOf(line)
		if len(words) > 0 && isCertificate(words[0]) { // a line of a crt-list
			list = append(list, words[0])
		}
		for i, w := range words[:max(len(words)-1, 0)] {
			next := words[i+1]
			switch {
			case w == "crt-base" || w == "ca-base" || w == "key-base":
				bases[w] = next
			case slices.Contains(naming, w) && isPath(next):
				if file := absolute(bases, w, next); file != "" {
					list = append(list, file)
				}
			}
		}
	}
	return list
}

// wordsOf are the words of a line without its comment.
func wordsOf(line string) []string {
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n;\"'", r) })
	comment := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") })
	if comment >= 0 {
		return words[:comment]
	}
	return words
}

// isPath leaves out variables and what is no file, such as data:$cert or engine:….
func isPath(s string) bool {
	return !strings.ContainsAny(s, "$:@") && strings.ContainsAny(s, "./")
}

func isCertificate(s string) bool {
	return filepath.IsAbs(s) && slices.Contains([]string{".pem", ".crt", ".cer"}, filepath.Ext(s))
}

// absolute is a path as the word before it has it; empty: it is relative to nothing known.
func absolute(bases map[string]string, word, name string) string {
	base := ""
	switch {
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	case strings.HasPrefix(word, "ca-"):
		base = bases["ca-base"]
	case word == "key":
		base = bases["key-base"]
	case strings.HasPrefix(word, "crt"):
		base = bases["crt-base"]
	}
	if !filepath.IsAbs(base) {
		return ""
	}
	return filepath.Join(base, name)
}
