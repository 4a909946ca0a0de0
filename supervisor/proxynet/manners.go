package proxynet

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// manners are the signals that a proxy's main process understands.
type manners struct {
	reload unix.Signal   // read the configuration again
	drain  unix.Signal   // take nothing new, finish what has begun, end
	passed []unix.Signal // those that pairkeeper passes on as they are
}

// mannersOf knows nginx, HAProxy (its master, with -W) and what is usual. It leaves out what
// is no use to a child: nginx's SIGUSR2 replaces the main process, its SIGWINCH ends the
// workers and is what a terminal sends when it is resized.
func mannersOf(argv []string) manners {
	if len(argv) == 0 {
		return manners{}
	}
	switch filepath.Base(argv[0]) {
	case "nginx":
		return manners{unix.SIGHUP, unix.SIGQUIT, []unix.Signal{unix.SIGUSR1}}
	case "haproxy":
		return manners{unix.SIGUSR2, unix.SIGUSR1, nil}
	}
	return manners{unix.SIGHUP, unix.SIGTERM, []unix.Signal{unix.SIGUSR1, unix.SIGUSR2}}
}

// Meaning is what a signal to pairkeeper asks of it as the parent of a proxy.
type Meaning int

// The meanings.
const (
	Ignore Meaning = iota
	Stop           // release the addresses, then end the proxy and pairkeeper
	Reload         // read pairkeeper's configuration and the proxy's again
	Pass           // send it to the proxy
)

// stops are the signals that end pairkeeper, whatever its proxy is.
var stops = []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT}

// StopSignals are those that mean Stop while argv is the proxy.
func StopSignals(argv []string) []os.Signal {
	var all []os.Signal
	for _, sig := range append(stops[:len(stops):len(stops)], mannersOf(argv).drain) {
		if sig != 0 {
			all = append(all, sig)
		}
	}
	return all
}

// MeaningOf is what a signal means while argv is the proxy; empty: it is no child.
func MeaningOf(argv []string, sig unix.Signal) Meaning {
	m := mannersOf(argv)
	switch {
	case slices.Contains(stops, sig), sig == m.drain:
		return Stop
	case sig == unix.SIGHUP, sig == m.reload:
		return Reload
	case slices.Contains(m.passed, sig):
		return Pass
	}
	return Ignore
}
