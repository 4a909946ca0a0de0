package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The flight recorder's size in bytes.
const (
	mib              = 1 << 20
	defaultRecorder  = 16 * mib
	smallestRecorder = 1 * mib
	largestRecorder  = 4096 * mib
)

const recorderOff = "off"

// readRecorder reads recorder: how much of what happened is kept.
func (d *Document) readRecorder(f fields) {
	d.recorder = defaultRecorder
	v, ok := f.keys["recorder"]
	switch {
	case !ok:
	case v.node.Kind == yaml.ScalarNode:
		if word, _ := v.text("off or {size: 16MiB}"); word == recorderOff {
			d.recorder = 0
		} else if word != "" {
			v.errorf("%s is not off or {size: 16MiB}", show(word))
		}
	default:
		if r, ok := v.fields("off or {size: 16MiB}", "size"); ok {
			if size, ok := r.keys["size"]; ok {
				size.size(&d.recorder, smallestRecorder, largestRecorder)
			}
		}
	}
}

func (d *Document) recorderTree() *yaml.Node {
	if d.recorder == 0 {
		return text(recorderOff)
	}
	t := flow()
	t.set("size", text(printSize(d.recorder)))
	return t.Node
}

var sizes = regexp.MustCompile(`^([1-9][0-9]{0,9})(KiB|MiB|GiB)$`)

// size is a number of bytes with its unit.
func (v value) size(to *int64, lo, hi int64) {
	const wanted = "a size such as 16MiB"
	v.expect(form{"type": "string", "pattern": sizes.String()})
	if !v.is(yaml.ScalarNode, wanted) {
		return
	}
	m := sizes.FindStringSubmatch(v.node.Value)
	if m == nil {
		v.errorf("%s is not %s: a whole number and KiB, MiB or GiB", show(v.node.Value), wanted)
		return
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // ten digits
	n <<= 10 * (1 + strings.Index("KMG", m[2][:1]))
	if n < lo || n > hi {
		v.errorf("%s is not in %s..%s", show(v.node.Value), printSize(lo), printSize(hi))
		return
	}
	*to = n
}

// printSize writes a size in the biggest unit of which it is a whole number.
func printSize(n int64) string {
	for _, u := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {mib, "MiB"}} {
		if n%u.bytes == 0 {
			return fmt.Sprint(n/u.bytes) + u.name
		}
	}
	return fmt.Sprint(n>>10) + "KiB"
}
