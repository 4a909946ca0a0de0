package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPrintedDurationIsReadAsTheSame(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "1s": time.Second, "10m": 10 * time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute,
		"1h0m5s": time.Hour + 5*time.Second, "40.95s": 40950 * time.Millisecond, "200ms": 200 * time.Millisecond,
		"1.5us": 1500, "20m": 20 * time.Minute, "10h": 10 * time.Hour,
	} {
		if got := printDuration(want); got != text {
			t.Errorf("prints %s, want %s", got, text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64().Draw(t, "d"))
		if got, err := time.ParseDuration(printDuration(d)); err != nil || got != d {
			t.Fatalf("%d is printed %s and read %d (%v)", d, printDuration(d), got, err)
		}
	})
}

func TestNearestWord(t *testing.T) {
	known := []string{"interface", "vrid", "version", "address", "addresses", "preempt", "preempt_delay", "url"}
	for word, want := range map[string]string{
		"interfaces":                      "interface",
		"inteface":                        "interface",
		"itnerface":                       "interface",
		"VRID":                            "vrid",
		"vird":                            "vrid",
		"preemptDelay":                    "preempt_delay",
		"adress":                          "address",
		"uri":                             "url",
		"colour":                          "",
		"":                                "",
		strings.Repeat("interface", 1000): "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%.20s: nearest is %q, want %q", word, got, want)
		}
	}
}

func TestYAMLErrorNamesTheLineThatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"nodes:\n  a: 1\n b: 2\n":                       ":3: is not YAML: did not find expected key",
		"a: 1\nb: [1, 2\nc: 3\n":                        ":2: is not YAML: did not find expected ',' or ']'",
		"a: 1\nb: {c: \"unclosed\nd: e\n":               ":2: is not YAML: found unexpected end of stream",
		"a: b: c\n":                                     ":1: is not YAML: mapping values are not allowed in this context",
		"x: 1\nnodes:\n  a: 1\n  b: 2\n  c: @x\nd: 4\n": ":5: is not YAML: found character that cannot start any token",
	} {
		_, err := Parse("pairkeeper.yaml", []byte(text))
		if got := err.Error(); got != "pairkeeper.yaml"+want {
			t.Errorf("%q\n got %s\nwant pairkeeper.yaml%s", text, got, want)
		}
	}
}

func TestLastAddressOfANetwork(t *testing.T) {
	for prefix, want := range map[string]string{
		"10.0.0.3/24": "10.0.0.255", "10.0.0.3/30": "10.0.0.3", "10.1.2.3/8": "10.255.255.255",
		"10.1.2.3/1": "127.255.255.255", "10.0.4.3/22": "10.0.7.255", "10.0.0.3/32": "10.0.0.3",
	} {
		if got := last(netip.MustParsePrefix(prefix)).String(); got != want {
			t.Errorf("%s ends with %s, want %s", prefix, got, want)
		}
	}
}
