package demo

import (
	"fmt"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// The pair's network.
const (
	vip           = "10.99.0.3"
	clientAddress = "10.99.0.100"
	nic           = "eth0"
)

// stage is the netlab.T of the demo's network: whoever cannot go on panics with a
// stageError. Nothing is cleaned up one by one: all of it ends with PID 1.
type stage struct{}

type stageError struct{ text string }

func (e stageError) Error() string { return e.text }

func (stage) Helper()                      {}
func (stage) Cleanup(func())               {}
func (stage) Logf(string, ...any)          {}
func (s stage) Skipf(f string, a ...any)   { s.Fatalf(f, a...) }
func (stage) Fatalf(f string, args ...any) { panic(stageError{fmt.Sprintf(f, args...)}) }

// rescue turns the panic of a stage into an error.
func rescue(err *error) {
	switch p := recover().(type) {
	case nil:
	case stageError:
		*err = p
	default:
		panic(p)
	}
}

// newNetwork makes the hosts of the pair, a client, and the switch between them.
func newNetwork() (hosts []*host, client *netlab.Host) {
	lab := netlab.New(stage{})
	for _, n := range []node{first, second} {
		hosts = append(hosts, newHost(n, lab.Host(n.name, n.address+"/24")))
	}
	return hosts, lab.Host("client", clientAddress+"/24")
}
