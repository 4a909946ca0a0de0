package manpage

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const document = "# Left out\n\nSome `a-b` text,\n*two* lines, [a link](x.md) and **more**.\n\n## Keys\n\n" +
	"| key | default | meaning |\n|---|---|---|\n| `a` | `b \\| c` | What it is. |\n\n" +
	"- one\n  goes on\n  - nested\n- two\n\nAfter.\n\n### Code\n\n```yaml\n.no: request\n'a': \\n\n```\n"

const page = `.TH "X" "5" "" "pairkeeper 1"
.nh
.ad l
.SH NAME
x \- a test
.SH DESCRIPTION
.PP
Some \fBa\-b\fR text, \fItwo\fR lines, a link and \fBmore\fR.
.SH KEYS
.TP
\fBa\fR
(\fBb | c\fR) What it is.
.IP \(bu 2
one goes on
.RS 4
.IP \(bu 2
nested
.RE
.IP \(bu 2
two
.PP
After.
.SS Code
.PP
.RS 4
.EX
\&.no: request
\(aqa\(aq: \en
.EE
.RE
`

func TestMarkdownBecomesAManualPage(t *testing.T) {
	got := Page{Name: "x", Section: 5, Source: "pairkeeper 1", Title: "a test"}.Write(document)
	if diff := cmp.Diff(page, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// man prints a page of the configuration in full, and has nothing to complain about.
func TestTheConfigurationIsAManualPage(t *testing.T) {
	netlab.Need(t, "groff")
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-rLL=100n", "-P-cbou")
	cmd.Stdin = strings.NewReader(Page{Name: "pairkeeper.yaml", Section: 5, Title: "the configuration"}.Write(string(text)))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("groff: %v\n%s", err, complaints.String())
	}
	for _, word := range []string{"virtual_routers", "restart_window", "TOP LEVEL"} {
		if !strings.Contains(string(out), word) {
			t.Errorf("the page lacks %s", word)
		}
	}
}
