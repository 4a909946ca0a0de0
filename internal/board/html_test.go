package board

import (
	"reflect"
	"strings"
	"testing"
)

const hostile = `<script>alert("1")</script>&'`

// fill puts a text wherever a board has room for one.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[Level]() { // these are our own
			v.SetString(hostile)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	}
}

func TestNoTextIsTakenForMarkup(t *testing.T) {
	var b Board
	fill(reflect.ValueOf(&b).Elem())
	text := b.HTML()
	if strings.Contains(text, "<script") || strings.Contains(text, "'") || strings.Contains(text, `alert("`) {
		t.Errorf("%s", text)
	}
	if n := strings.Count(text, "&lt;script&gt;"); n < 25 {
		t.Errorf("only %d texts are shown", n)
	}
}
