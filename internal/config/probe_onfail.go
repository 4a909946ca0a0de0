package config

import (
	"github.com/pairkeeper/pairkeeper/probes"
)

const onFailExample = "restart, leave or {penalty: 30}"

// readOnFail reads what a failed probe does: on_fail, or keepalived's weight. A probe of
// the local proxy has it restarted, one of HAProxy's backends has a penalty, any other makes
// the node leave.
func (d *Document) readOnFail(f fields, p *probe) {
	on := &p.OnFail
	switch {
	case p.HasValue():
		*on = probes.OnFail{Act: probes.Weigh, Weight: 1}
	case p.penalty > 0:
		*on = probes.OnFail{Act: probes.Weigh, Weight: -p.penalty}
	case !p.local || d.proxy == nil:
		on.Act = probes.Fatal
	}
	if f.has("on_fail") && f.has("weight") {
		f.errorf("has both on_fail: and weight:, remove one")
		return
	}
	if v, ok := f.keys["weight"]; ok {
		on.Act, p.weightAt = probes.Weigh, v
		if isPlainZero(v) {
			v.errorf("0 is keepalived's word for leaving: remove it, or write on_fail: leave")
			return
		}
		on.Weight, _ = v.integer(-maxWeight, maxWeight)
	}
	if v, ok := f.keys["on_fail"]; ok {
		p.weightAt = d.readAct(v, on)
		if p.HasValue() && on.Act != probes.Weigh {
			v.errorf("has no effect on a value: write weight: 1, or remove value: from the file")
		}
	}
	f.boolean("reverse", &on.Reverse)
	if on.Reverse && on.Act == probes.Guard {
		f.keys["reverse"].errorf("has no effect with on_fail: restart: write on_fail: leave, or a weight")
	}
}

// readAct reads on_fail, and returns where its penalty stands.
func (d *Document) readAct(v value, on *probes.OnFail) (penalty value) {
	if v.kind() == "a mapping" {
		f, ok := v.fields(onFailExample, "penalty")
		if !ok {
			return v
		}
		if penalty, ok = f.need("penalty", "30"); ok {
			n, _ := penalty.integer(1, maxWeight)
			*on = probes.OnFail{Act: probes.Weigh, Weight: -n}
		}
		return penalty
	}
	word, ok := v.text(onFailExample)
	switch {
	case !ok:
	case word == "restart" && d.proxy == nil:
		v.errorf("restart needs a proxy: to restart: write leave")
	case word == "restart":
		*on = probes.OnFail{Act: probes.Guard}
	case word == "leave":
		*on = probes.OnFail{Act: probes.Fatal}
	default:
		v.errorf("%s is not %s", show(word), onFailExample)
	}
	return v
}

func onFailTree(t tree, o probes.OnFail) {
	switch o.Act {
	case probes.Guard:
		t.set("on_fail", text("restart"))
		return
	case probes.Fatal:
		t.set("on_fail", text("leave"))
	case probes.Weigh:
		t.set("weight", number(o.Weight))
	}
	t.set("reverse", boolean(o.Reverse))
}
