package keepalived

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// corpus is where public configurations lie beside the repository, for those who develop this.
const corpus = "../../../shared/corpus/keepalived-conf"

// folder reads files that a test writes out.
func folder(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[inside(name)] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

func expand(t *testing.T, id string, files map[string]string) []string {
	t.Helper()
	e := &expander{source: Source{Files: folder(files), Path: "/k/main.conf", ID: id}, vars: map[string]string{}, notes: &notes{}}
	e.file("/k/main.conf", Pos{})
	var lines []string
	for _, l := range e.lines {
		lines = append(lines, strings.Join(strings.Fields(l.text), " "))
	}
	return lines
}

func TestLinesAreExpandedAsKeepalivedDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"comments":                      {"a 1 # x\n! y\nb \"#2\" ! z\n\n", "a 1|b \"#2\""},
		"an escaped comment sign":       {`a \#1`, `a #1`},
		"a line that goes on":           {"a \\\n  b \\\n c\nd", "a b c|d"},
		"a condition":                   {"@high a\n@low b\n@^high c\n@^low d", "a|d"},
		"a variable":                    {"$X=1\na $X\nb${X}c\nd$Xe", "a 1|b1c|d$Xe"},
		"a variable that is not there":  {"a ${NO} $NO", "a ${NO} $NO"},
		"a value that comes later":      {"$A=x${B}\n$B=1\n${A}\n$B=2\n${A}", "x1|x2"},
		"an empty value":                {"$A=\na $A b", "a b"},
		"a conditional variable":        {"@low $P=1\n@high $P=2\np $P", "p 2"},
		"a variable as a condition":     {"$I=@high\n$J=@low\n$I a\n$J b", "a"},
		"a value of several lines":      {"$B= \\\n v ${N} { \\\n  @high h \\\n  @low l \\\n }\n$N=1\n$B\n$N=2\n$B", "v 1 {|h|}|v 2 {|h|}"},
		"variables inside of it":        {"$R= \\\n r $N \\\n x\n$V= \\\n $N=1 \\\n $R \\\n $N=2 \\\n $R\n$V", "r 1|x|r 2|x"},
		"a sequence":                    {"~SEQ(N, 0, 3) a$N 10.0.${N}.1", "a0 10.0.0.1|a1 10.0.1.1|a2 10.0.2.1|a3 10.0.3.1"},
		"a sequence with a step":        {"~SEQ(N,0,10,30) $N", "0|10|20|30"},
		"a sequence backwards":          {"~SEQ(N,2,0) $N\n~SEQ(M,-2) $M", "2|1|0|-1|-2"},
		"a sequence in hexadecimal":     {"~SEQx(N,0x90,0x10,0xb0) $N", "90|a0|b0"},
		"sequences in one line":         {"~SEQ(A,1,2) ~SEQ(B,8,9) ${A}${B}", "18|19|28|29"},
		"a list":                        {"~LST(A, x, y) $A", "x|y"},
		"a list of pairs":               {"~LST({A, B}, {1,2},{3,4}) ${A}.${B}", "1.2|3.4"},
		"predefined ones":               {"${_PWD}/x ${_INSTANCE} ${_HASH} ${_BANG}", "/k/x high # !"},
		"an include":                    {"include sub/one.conf\nb", "one|b"},
		"a pattern":                     {"include sub/*.conf", "one|two"},
		"braces in a pattern":           {"include /k/sub/{two,one}.conf", "two|one"},
		"paths relative to the include": {"include sub/three.cfg", "one"},
		"a file that includes itself":   {"include main.conf\na", "a"},
		"an include that names nothing": {"include none/*.conf\na", "a"},
	} {
		files := map[string]string{"/k/main.conf": c.text, "/k/sub/one.conf": "one", "/k/sub/two.conf": "two\n", "/k/sub/three.cfg": "include one.conf"}
		if got := strings.Join(expand(t, "high", files), "|"); got != c.want {
			t.Errorf("%s: %q is %q, want %q", name, c.text, got, c.want)
		}
	}
}

func TestABombOfVariablesIsCutShort(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"$A=${A}${A}\n${A}", "$A= \\\n $A \\\n $A\n$A", "~SEQ(A,1,100000) ~SEQ(B,1,100000) $A$B",
		"$A=@high @high\n" + strings.Repeat("$A ", 2000),
	} {
		n := &notes{}
		e := &expander{source: Source{Files: folder(map[string]string{"/a": text}), ID: "high"}, vars: map[string]string{}, notes: n}
		e.file("/a", Pos{})
		if len(e.lines) > mostLines || !slices.ContainsFunc(n.list, func(n Note) bool { return n.Rule == "too-large" }) && strings.Contains(text, "~") {
			t.Errorf("%.20q gave %d lines and %v", text, len(e.lines), n.list)
		}
	}
}

func TestWordsAreQuotedAsInAShell(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a "b c" d`:          "a|b c|d",
		`abcd" efg h "mnop`:  "abcd efg h mnop",
		`a 'b "c' "d 'e"`:    `a|b "c|d 'e`,
		`"a\tb" \x41 \101`:   "a\tb|A|A",
		`group { a b }`:      "group|{|a|b|}",
		`vi{`:                "vi|{",
		`}}`:                 "}|}",
		`a ${X}/24 b}`:       "a|${X}/24|b|}",
		`digest "{x}" a{2}b`: "digest|{x}|a{2}b",
	} {
		var got []string
		for _, tok := range tokens(text) {
			if tok.brace != 0 {
				tok.text = string(tok.brace)
			}
			got = append(got, tok.text)
		}
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%s is %q, want %q", text, s, want)
		}
	}
}

// read reads one file as node lb01.
func readText(t *testing.T, text string) (*Config, []Note) {
	t.Helper()
	c, notes, err := Read(Source{Files: folder(map[string]string{"/k.conf": text}), Path: "/k.conf", ID: "lb01"})
	if err != nil {
		t.Fatal(err)
	}
	return c, notes
}

func rules(list []Note) string {
	var words []string
	for _, n := range list {
		if n.Rule != "" && !slices.Contains(words, n.Rule) {
			words = append(words, n.Rule)
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestABlockThatIsNotClosedEndsAtTheNextKeyword(t *testing.T) {
	t.Parallel()
	c, notes := readText(t, `
vrrp_instance A {
  virtual_router_id 1
  authentication {
    auth_type PASS
    auth_pass 1111
  virtual_ipaddress {
    10.0.0.3/24
  track_script {
    chk
  }
vrrp_instance B
{
  virtual_router_id 2
  virtual_ipaddress { 10.0.0.4/24 }
}}
vrrp_script chk { script "/bin/true"
  interval 2 }
`)
	if len(c.Instances) != 2 || len(c.Scripts) != 1 || rules(notes) != "brace" {
		t.Fatalf("got %d instances, %d scripts, %v", len(c.Instances), len(c.Scripts), notes)
	}
	a := c.Instances[0]
	if a.AuthPass != "1111" || len(a.Addresses) != 1 || len(a.Scripts) != 1 || c.Instances[1].VRID != 2 || c.Scripts[0].Interval != 2*time.Second {
		t.Errorf("got %+v", a)
	}
}

// TestKeepalivedsOddTasteIsKnown has what keepalived 2.2.7 was seen to do.
func TestKeepalivedsOddTasteIsKnown(t *testing.T) {
	t.Parallel()
	c, notes := readText(t, `
vrrp_instance A {
  state PRIMARY
  interface eth0
  virtual_router_id 1
  priority 300
  advert_int 0.5
  virtual_ipaddress {
    10.0.0.3/255.255.255.0
  }
}
vrrp_instance B {
  state MASTER
  state BACKUP
  interface eth0
  virtual_router_id 2
  version 3
  advert_int 0.5
  virtual_ipaddress {
    10.0.0.4/24
  }
  virtual_ipaddress {
    10.0.0.5/24
  }
}
vrrp_instance C {
  interface eth0
  virtual_router_id 3
  priority 50
  priority 60
  advert_int 10
  virtual_ipaddress {
    fd00::3/64
  }
}
vrrp_instance C {
}
`)
	a, b, v6 := c.Instances[0], c.Instances[1], c.Instances[2]
	if len(c.Instances) != 3 || a.State != "BACKUP" || a.Priority != 100 || a.interval() != time.Second || a.Addresses[0].Prefix.String() != "10.0.0.3/32" {
		t.Errorf("A is %+v", a)
	}
	if b.Priority != 255 || b.interval() != 500*time.Millisecond || len(b.Addresses) != 2 || b.State != "MASTER" {
		t.Errorf("B is %+v", b)
	}
	if v6.version() != 3 || v6.interval() != 10*time.Second || v6.Priority != 60 {
		t.Errorf("C is %+v", v6)
	}
	if got := rules(notes); got != "bad-address bad-number priority state twice" {
		t.Errorf("the rules are %s", got)
	}
}

// corpusFiles are the public configurations; where they are not, the test says so and has
// only its own.
func corpusFiles(t *testing.T) []string {
	t.Helper()
	folder, err := filepath.Abs(corpus)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(folder + "/*.conf")
	if len(files) == 0 {
		t.Log("not here: the public configurations in " + corpus + "; this test looks at nothing without them")
	}
	return files
}

func TestPublicConfigurationsAreRead(t *testing.T) {
	t.Parallel()
	for _, path := range corpusFiles(t) {
		c, _, err := Read(Source{Files: os.DirFS("/"), Path: path, ID: "lb01"})
		if err != nil || len(c.Instances)+len(c.Servers) == 0 && !strings.Contains(path, ".2.conf") {
			t.Errorf("%s: %v, %d instances and %d virtual servers", filepath.Base(path), err, len(c.Instances), len(c.Servers))
		}
	}
}
