package config

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

const ladderExample = "[reload, restart, kill]"

// rung is a rung's word, and what leaves it out.
type rung struct {
	word string
	skip func(*supervisor.Ladder) *bool
}

// rungs are the rungs in their order.
var rungs = []rung{
	{"reload", func(l *supervisor.Ladder) *bool { return &l.SkipReload }},
	{"restart", func(l *supervisor.Ladder) *bool { return &l.SkipRestart }},
	{"kill", func(l *supervisor.Ladder) *bool { return &l.SkipKill }},
}

// readLadder reads which rungs there are; their order is fixed.
func readLadder(f fields, into *supervisor.Ladder) {
	v, ok := f.keys["ladder"]
	if !ok {
		return
	}
	items, ok := v.list("a list such as " + ladderExample)
	if !ok {
		return
	}
	*into = supervisor.Ladder{SkipReload: true, SkipRestart: true, SkipKill: true}
	last := -1
	for _, item := range items {
		word, ok := item.one("reload", "restart", "kill")
		if !ok {
			continue
		}
		at := slices.IndexFunc(rungs, func(r rung) bool { return r.word == word })
		switch {
		case at == last:
			item.errorf("%s is there twice: attempts says how often the proxy is restarted", word)
		case at < last:
			item.errorf("%s comes before %s: the order is %s, leave out what is not wanted", word, rungs[last].word, ladderExample)
		}
		last = max(last, at)
		*rungs[at].skip(into) = false
	}
}

func ladderTree(l supervisor.Ladder) *yaml.Node {
	n := flowList()
	for _, r := range rungs {
		if !*r.skip(&l) {
			n.Content = append(n.Content, text(r.word))
		}
	}
	return n
}

func giveUpWord(p *supervisor.Proxy) string {
	if p.GiveUpStops {
		return "stop"
	}
	return "leave"
}
