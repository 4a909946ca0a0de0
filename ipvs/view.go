package ipvs

import "time"

// View is what a Pool can say of itself.
type View struct {
	Config      Config
	Servers     []ServerView
	Quorum      bool
	QuorumSince time.Time
	Weight      int  // of the good servers together
	Apologizes  bool // the sorry server is in its place
}

// ServerView is one server of a View.
type ServerView struct {
	Server Server // its weight: what the kernel is to have
	Up     bool
	Since  time.Time
	Why    string // the last word of its checks
}

// View tells how the servers are.
func (p *Pool) View() View {
	v := View{Config: p.cfg, Quorum: p.quorum, QuorumSince: p.since, Weight: p.Weight(), Apologizes: p.apologizes()}
	for i := range p.reals {
		r := &p.reals[i]
		s, _ := p.place(r)
		v.Servers = append(v.Servers, ServerView{Server: s, Up: r.up, Since: r.since, Why: r.why})
	}
	return v
}
