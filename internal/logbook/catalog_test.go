package logbook

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// catalogs are the languages that journalctl -x speaks.
var catalogs = []string{"pairkeeper.catalog", "pairkeeper.zh_CN.catalog"}

// explained is an entry of a catalog.
type explained struct {
	comment, id   string
	subject, text string
}

// catalog reads a file of systemd's catalog format as systemd does: a comment is a line
// that begins with # or ;.
func catalog(t *testing.T, file string) []explained {
	t.Helper()
	text, err := os.ReadFile(root + "/systemd/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var list []explained
	comment, header := "", false
	for i, line := range strings.Split(string(text), "\n") {
		id, begins := strings.CutPrefix(line, "-- ")
		switch {
		case begins:
			list = append(list, explained{comment: comment, id: id})
			header = true
		case strings.HasPrefix(line, "#"):
			comment = strings.TrimPrefix(line, "# ")
		case strings.HasPrefix(line, ";"), strings.HasPrefix(line, "\t"), strings.TrimRight(line, " ") != line:
			t.Errorf("%s:%d: %q", file, i+1, line)
		case len(list) == 0:
		case header && line == "":
			header = false
		case header:
			if s, ok := strings.CutPrefix(line, "Subject: "); ok {
				list[len(list)-1].subject = s
			}
		default:
			list[len(list)-1].text += line + "\n"
		}
	}
	return list
}

func TestEveryLanguageExplainsEveryKind(t *testing.T) {
	kindOf := map[string]string{}
	for kind, id := range ids {
		kindOf[id] = kind
	}
	for _, file := range catalogs {
		seen := map[string]bool{}
		for _, e := range catalog(t, file) {
			kind := kindOf[e.id]
			switch {
			case kind == "":
				t.Errorf("%s: %s (%s) is no kind of record", file, e.id, e.comment)
			case seen[kind]:
				t.Errorf("%s: %q is explained twice", file, kind)
			case kind != e.comment:
				t.Errorf("%s: the comment before %s is %q, the kind is %q", file, e.id, e.comment, kind)
			case e.subject == "" || len(strings.TrimSpace(e.text)) < 40:
				t.Errorf("%s: %q is hardly explained: %q, %q", file, kind, e.subject, e.text)
			}
			seen[kind] = true
		}
		for kind, id := range ids {
			if !seen[kind] {
				t.Errorf("%s does not explain %q: add\n\n# %s\n-- %s\nSubject: …\nDefined-By: pairkeeper\nSupport: https://github.com/pairkeeper/pairkeeper/issues\n\n(the cause, the remedy, and the commands to type)",
					file, kind, kind, id)
			}
		}
	}
}

// Both languages tell an operator to type the same.
func TestTheLanguagesHaveTheSameCommands(t *testing.T) {
	commands := func(text string) []string {
		var list []string
		for line := range strings.Lines(text) {
			if c, ok := strings.CutPrefix(line, "    "); ok {
				list = append(list, strings.Fields(c)[0])
			}
		}
		return list
	}
	english := map[string]string{}
	for _, e := range catalog(t, catalogs[0]) {
		english[e.id] = e.text
	}
	for _, e := range catalog(t, catalogs[1]) {
		if en, zh := commands(english[e.id]), commands(e.text); !slices.Equal(en, zh) {
			t.Errorf("%s: %q in English, %q in Chinese", e.comment, en, zh)
		}
	}
}

var (
	at    = regexp.MustCompile(`@([A-Z_]+)@`)
	peers = regexp.MustCompile(`-> ([A-Z]+) \(([a-z-]+)(, peer )?`)
)

// withPeer are the transitions that always have to do with somebody else.
var withPeer = []string{"ACTIVE peer-released", "ACTIVE preempts", "BACKUP higher-address", "BACKUP higher-advert"}

func TestACatalogNamesOnlyFieldsThatTheRecordHas(t *testing.T) {
	s := sources(t)
	for _, file := range catalogs {
		for _, e := range catalog(t, file) {
			has := fieldsOfKind(&s, e.comment)
			for _, m := range at.FindAllStringSubmatch(e.subject+e.text, -1) {
				if !slices.Contains(has, m[1]) {
					t.Errorf("%s: %q has no field %s, it has %q", file, e.comment, m[1], has)
				}
			}
		}
	}
}

// fieldsOfKind are the fields that every record of a kind has.
func fieldsOfKind(s *source, kind string) []string {
	state, reason, two := strings.Cut(kind, " ")
	switch {
	case state == string(AdvertRefused):
		return []string{Node, Router, Interface, Reason, Refusal, Peer}
	case two:
		has := []string{Node, Router, Interface, Reason, State, OldState, Priority}
		if slices.Contains(withPeer, kind) {
			has = append(has, Peer)
		}
		if strings.HasPrefix(reason, "proxy-") {
			has = append(has, Proxy)
		}
		return has
	}
	switch vrrp.Reason(kind) {
	case Cleaned, SendFailed:
		return []string{Node, Router, Interface, Reason}
	case ConfigWarning: // written before it is known who writes
		return []string{Reason}
	case HookAgreed:
		return []string{Node, Router, Hook, Reason}
	}
	if s.rules[kind] {
		return []string{Node, Router, Interface, Reason}
	}
	for name, n := range s.noted {
		if s.reasons[name] == kind {
			return n.fields
		}
	}
	return []string{Node, Reason}
}

func TestTransitionsWithAPeerAlwaysHaveOne(t *testing.T) {
	seen := map[string]int{}
	for story, text := range stories(t) {
		for _, m := range peers.FindAllStringSubmatch(text, -1) {
			kind := m[1] + " " + m[2]
			if slices.Contains(withPeer, kind) {
				seen[kind]++
				if m[3] == "" {
					t.Errorf("%s: %q without a peer", story, kind)
				}
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("the stories have only %v", seen)
	}
}

func TestTheDocumentationHasEveryField(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{MessageID, Node, Router, Interface, State, OldState, Reason, Priority, Peer, Refusal, Proxy, Hook, Late} {
		if !strings.Contains(string(text), "`"+field+"`") {
			t.Errorf("docs/journal.md does not have %s", field)
		}
	}
}
