package logbook

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// alarmPages has the page of each catalog's language that lists what the journal may say.
var alarmPages = map[string]string{
	"pairkeeper.catalog":       "/docs/alarms.md",
	"pairkeeper.zh_CN.catalog": "/docs/zh/alarms.md",
}

// alarmTables are the marks between which a table is made of the catalog, and whose kinds are in it.
var alarmTables = []struct {
	mark string
	has  func(kind string) bool
}{
	{"FAULT", func(k string) bool { return strings.HasPrefix(k, "FAULT ") }},
	{"notes", func(k string) bool { return k == strings.ToLower(k) && !isRefused(k) }},
	{"refused", isRefused},
	{"transitions", func(k string) bool {
		return k != strings.ToLower(k) && !strings.HasPrefix(k, "FAULT ")
	}},
}

func isRefused(kind string) bool {
	return strings.HasPrefix(kind, "advert-refused ") || strings.HasPrefix(kind, "heartbeat-")
}

// With -update the tables are written anew.
func TestThePagesOfAlarmsSayWhatTheCatalogsSay(t *testing.T) {
	for file, path := range alarmPages {
		text, err := os.ReadFile(root + path)
		if err != nil {
			t.Fatal(err)
		}
		page, kinds := string(text), 0
		for _, table := range alarmTables {
			rows := alarmRows(catalog(t, file), table.has)
			kinds += len(rows)
			page = between(t, page, table.mark, strings.Join(rows, ""))
		}
		if kinds != len(ids) {
			t.Errorf("%s: %d kinds in the tables, there are %d", path, kinds, len(ids))
		}
		if page == string(text) {
			continue
		}
		if !*update {
			t.Errorf("%s is not what %s says: go test ./internal/logbook -run Alarms -update", path, file)
		} else if err := os.WriteFile(root+path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// between replaces the rows of the table that stands behind a mark.
func between(t *testing.T, page, mark, rows string) string {
	t.Helper()
	begin := "<!-- " + mark + ", of the catalog -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, "<!-- end -->")
	lines := strings.SplitAfterN(rest, "\n", 3)
	if !ok || !closed || len(lines) < 3 {
		t.Fatalf("no table between %q and the end's mark", begin)
	}
	return before + begin + lines[0] + lines[1] + rows + "<!-- end -->" + after
}

var about = regexp.MustCompile(`^@PAIRKEEPER_(ROUTER|PROXY|NODE)@(: |：)`)

// sentence is one that begins with a word, and not with a key or a name.
var sentence = regexp.MustCompile(`^[a-z]+ `)

// said replaces the fields of a record, which a page has not.
var said = strings.NewReplacer("@PAIRKEEPER_ROUTER@", "web", "@PAIRKEEPER_INTERFACE@", "eth0", "@PAIRKEEPER_PEER@", "10.0.0.6",
	"@PAIRKEEPER_PROXY@", "nginx.service", "@PAIRKEEPER_NODE@", "lb01", "@PAIRKEEPER_HOOK@", "before_active")

// alarmRows are the rows of a table, by kind: the words in the journal, what they mean, what to type.
func alarmRows(list []explained, has func(string) bool) []string {
	var rows []string
	for _, e := range list {
		if !has(e.comment) {
			continue
		}
		words := strings.Fields(e.comment)
		kind := words[len(words)-1]
		if state := words[0]; len(words) == 2 && state == strings.ToUpper(state) {
			kind = state + " (" + kind + ")"
		}
		subject := about.ReplaceAllString(e.subject, "")
		if sentence.MatchString(subject) && !strings.HasPrefix(subject, "pairkeeper") { // our name
			subject = strings.ToUpper(subject[:1]) + subject[1:]
		}
		do := strings.ReplaceAll(toDo(e.text), "|", `\|`)
		rows = append(rows, said.Replace(fmt.Sprintf("| `%s` | %s | %s |\n", kind, subject, do)))
	}
	slices.Sort(rows)
	return rows
}

// toDo are the commands of an explanation; without any its last paragraph.
func toDo(text string) string {
	var commands []string
	for line := range strings.Lines(text) {
		if c, ok := strings.CutPrefix(line, "    "); ok {
			commands = append(commands, "`"+strings.TrimSpace(c)+"`")
		}
	}
	if len(commands) > 0 {
		return strings.Join(commands, "<br>")
	}
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	last := strings.Split(paragraphs[len(paragraphs)-1], "\n")
	joined := last[0]
	for _, line := range last[1:] {
		if r := []rune(joined); r[len(r)-1] < 0x2e80 { // between Chinese characters there is no blank
			joined += " "
		}
		joined += line
	}
	return joined
}
