package words

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestDetailsFitInALine(t *testing.T) {
	got := Visible("two\nlines \x1b[31mred \xff" + strings.Repeat("é", 300))
	if strings.ContainsAny(got, "\n\x1b") || !utf8.ValidString(got) || len(got) > maxDetail+len("…") || !strings.HasPrefix(got, "two lines ") {
		t.Fatalf("%d bytes: %q", len(got), got)
	}
}

func TestAnErrorIsToldWithoutItsPath(t *testing.T) {
	_, missing := os.Open("/no/such/file")
	for err, want := range map[error]string{
		missing:                         "does not exist",
		&fs.PathError{Err: syscall.EIO}: "input/output error",
		errors.New("odd"):               "odd",
	} {
		if got := Bare(err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
