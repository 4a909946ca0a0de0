// Package demo plays a pair of load balancers with real daemons and a real proxy in
// namespaces of its own, does to it what goes wrong in practice, and shows what a
// client saw.
//
// The program runs itself again in parts: Run makes the namespaces, Init is PID 1 in
// them, Play is the play itself, Ask the client, Web the proxy where there is no nginx.
// Everything is inside, so with PID 1 the kernel takes all of it away.
package demo

import (
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// Options is what the command line asks for.
type Options struct {
	Only    []string // the acts to play; empty: all
	BuiltIn bool     // the built-in web server, even where nginx is installed
}

// args are the options for the next part of the program.
func (o Options) args() []string {
	var args []string
	if len(o.Only) > 0 {
		args = append(args, "--only", strings.Join(o.Only, ","))
	}
	if o.BuiltIn {
		args = append(args, "--built-in")
	}
	return args
}

// now is the clock of the onlooker, which all processes share.
func now() time.Duration { return time.Duration(onlooker.Now()) }

// Ask is the client.
func Ask() error { return onlooker.Be(nic, vip) }
