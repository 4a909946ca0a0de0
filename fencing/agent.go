package fencing

import "strings"

// Agent is one way to fence a host: a fence agent, which is told what to do on its standard
// input, or a command that does it by itself.
type Agent struct {
	Program string   // absolute; empty: Command
	Options []Option // in the order in which the program gets them
	// OptionsFile has more of them, a line each; PasswordFile that of the option password.
	OptionsFile, PasswordFile string

	Command []string // the first is an absolute path; it exits with 0 when the host is off
}

// Option is a line of a fence agent's input.
type Option struct{ Name, Value string }

// Path is the program that is run.
func (a *Agent) Path() string {
	if a.Program == "" && len(a.Command) > 0 {
		return a.Command[0]
	}
	return a.Program
}

// Name is the program without its directory.
func (a *Agent) Name() string {
	p := a.Path()
	return p[strings.LastIndexByte(p, '/')+1:]
}
