package proxynet

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestASignalMeansWhatItMeansToTheProxy(t *testing.T) {
	signals := []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH}
	for name, c := range map[string]struct {
		argv []string
		want []Meaning
	}{
		"nginx":    {[]string{"/usr/sbin/nginx", "-g", "daemon off;"}, []Meaning{Stop, Stop, Stop, Reload, Pass, Ignore, Ignore}},
		"haproxy":  {[]string{"haproxy", "-W"}, []Meaning{Stop, Stop, Stop, Reload, Stop, Reload, Ignore}},
		"another":  {[]string{"caddy", "run"}, []Meaning{Stop, Stop, Stop, Reload, Pass, Pass, Ignore}},
		"no child": {nil, []Meaning{Stop, Stop, Stop, Reload, Ignore, Ignore, Ignore}},
	} {
		for i, sig := range signals {
			if got := MeaningOf(c.argv, sig); got != c.want[i] {
				t.Errorf("%s: %s means %d, want %d", name, unix.SignalName(sig), got, c.want[i])
			}
		}
	}
}
