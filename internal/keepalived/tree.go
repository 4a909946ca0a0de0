package keepalived

import "strings"

// Statement is a keyword with its values, and with the block that follows it.
type Statement struct {
	Pos
	Words []string
	Block bool
	Body  []*Statement
}

// Word is the keyword.
func (s *Statement) Word() string { return s.arg(0) }

func (s *Statement) arg(i int) string {
	if i < len(s.Words) {
		return s.Words[i]
	}
	return ""
}

// kind is what a block may have. In a free one every word may begin a line.
type kind struct {
	words map[string]*kind // nil: no block follows
	free  bool
}

func (k *kind) has(word string) bool {
	_, ok := k.words[word]
	return ok
}

// parser makes a tree of lines, as forgiving as keepalived and a little more: where a
// brace is missing, a keyword of the block around ends the block.
type parser struct {
	notes *notes
	root  []*Statement
	stack []level
	last  *Statement // may get a block on the next line
}

type level struct {
	at   *Statement // nil: the file
	kind *kind
}

func parse(lines []line, n *notes) []*Statement {
	p := &parser{notes: n, stack: []level{{kind: grammar}}}
	for _, l := range lines {
		p.line(l)
	}
	if len(p.stack) > 1 {
		at := p.top().at
		n.wrong(at.Pos, "brace", "the block of %s is never closed: a } is missing", at.Word())
	}
	return p.root
}

func (p *parser) top() level { return p.stack[len(p.stack)-1] }

// line reads a line: each { begins a block and each } ends one.
func (p *parser) line(l line) {
	var words []string
	flush := func() {
		if len(words) > 0 {
			p.statement(&Statement{Pos: l.Pos, Words: words})
			words = nil
		}
	}
	for _, t := range tokens(l.text) {
		switch t.brace {
		case 0:
			words = append(words, t.text)
		case '{':
			flush()
			p.begin(l.Pos)
		case '}':
			flush()
			p.end(l.Pos)
		}
	}
	flush()
}

func (p *parser) statement(s *Statement) {
	p.recover(s)
	if t := p.top(); t.at == nil {
		p.root = append(p.root, s)
	} else {
		t.at.Body = append(t.at.Body, s)
	}
	p.last = s
}

// recover ends blocks whose } is missing: their keyword is one of a block around.
func (p *parser) recover(s *Statement) {
	word := s.Word()
	if p.top().kind.has(word) || strings.ContainsAny(word, "/@") {
		return
	}
	for i := len(p.stack) - 2; i >= 0; i-- {
		if !p.stack[i].kind.has(word) {
			continue
		}
		inner := p.top().at
		p.notes.wrong(s.Pos, "brace", "%s stands in the block of %s (line %d), where it is not known: a } is missing before it, and keepalived does not read it", word, inner.Word(), inner.Line)
		p.stack = p.stack[:i+1]
		return
	}
}

func (p *parser) begin(at Pos) {
	s := p.last
	if s == nil || s.Block {
		p.notes.wrong(at, "brace", "a { without a keyword before it")
		s = &Statement{Pos: at, Words: []string{"?"}}
		p.statement(s)
	}
	s.Block = true
	k := p.top().kind.words[s.Word()]
	if k == nil {
		k = &kind{free: true}
		if len(p.stack) > 1 || !p.top().kind.has(s.Word()) {
			p.notes.wrong(s.Pos, "unknown-keyword", "%s is no block that keepalived knows here: it goes on reading what is in it as if it stood outside", shown(s.Word()))
		}
	}
	if len(p.stack) < mostNested {
		p.stack = append(p.stack, level{s, k})
	}
	p.last = nil
}

func (p *parser) end(at Pos) {
	p.last = nil
	if len(p.stack) == 1 {
		p.notes.wrong(at, "brace", "a } that closes nothing")
		return
	}
	p.stack = p.stack[:len(p.stack)-1]
}
