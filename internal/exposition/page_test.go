package exposition

import (
	"testing"
	"time"
)

func TestAPageIsInTheTextFormat(t *testing.T) {
	var p Page
	p.Family(Gauge, "pair_up", "Whether it is.")
	p.Add(1)
	p.Family(Counter, "pair_none_total", "Has no samples.")
	p.Family(Counter, "pair_bytes_total", "Bytes.")
	p.Add(12345678901, "link", `a "quoted\path"`+"\nnext \xff", "empty", "", "peer", "b")
	p.Add(0.25, "empty", "")
	p.Family(Gauge, "pair_since_timestamp_seconds", "Since when.")
	p.Add(Seconds(time.UnixMilli(1700000000123)))
	want := `# HELP pair_up Whether it is.
# TYPE pair_up gauge
pair_up 1
# HELP pair_bytes_total Bytes.
# TYPE pair_bytes_total counter
pair_bytes_total{link="a \"quoted\\path\"\nnext ` + "\uFFFD" + `",peer="b"} 12345678901
pair_bytes_total 0.25
# HELP pair_since_timestamp_seconds Since when.
# TYPE pair_since_timestamp_seconds gauge
pair_since_timestamp_seconds 1700000000.123
`
	if got := string(p.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
