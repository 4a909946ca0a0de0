package config

import (
	"strings"
	"testing"
)

// FuzzParse: whatever is written, Parse answers with errors that have lines, or with a
// configuration that prints and is read again as the same.
func FuzzParse(f *testing.F) {
	for _, path := range append(glob(f, "testdata/*.yaml"), glob(f, "../../examples/*/pairkeeper*.yaml")...) {
		f.Add(read(f, path))
	}
	f.Add([]byte("? {a: b}\n: &x [*x]\n"))
	f.Add([]byte("a:\n  #c\n- b\n#d\n\n#e"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse("pairkeeper.yaml", data)
		if err != nil {
			checkErrors(t, err)
			return
		}
		if strings.Contains(inFull(t, d), mask) {
			return // refused when read again
		}
		sameAfterPrint(t, d)
	})
}
