//go:build linux

// Package hostlab runs two or more hosts on one machine for tests. Each host has
// its own real systemd as PID 1, with D-Bus, journald, nginx, a network namespace and
// a disk of its own: an overlay over the machine's root file system, so whatever is
// installed on the machine is installed in every host.
//
//	                 the lab 10.77.0.254 (client, gateway)
//	   ┌───────────────────┴──────────────────┐ br0
//	eth0 10.77.0.1                       eth0 10.77.0.2
//	   h1                                   h2
//	eth1 10.78.0.1                       eth1 10.78.0.2
//	   └───────────────────┬──────────────────┘ br1
//	                 the lab 10.78.0.254
//
// The test binary runs itself again as PID 1 of new namespaces, so every process and
// mount of the lab ends with it, however it ends:
//
//	func TestMain(m *testing.M) { os.Exit(hostlab.Main(m)) }
//
//	func TestPeerTakesOverAfterPowerCut(t *testing.T) {
//		lab := hostlab.New(t, "h1", "h2")
//		lab.Host("h1").Run(t, "systemctl", "start", "keepalived")
//		client := lab.Client("10.77.0.100", 5*time.Millisecond)
//		client.WaitFor(t, "h1", 10*time.Second)
//		client.Mark()
//		lab.Host("h1").Crash(t)
//		client.WaitFor(t, "h2", 10*time.Second)
//		t.Log(client.Outage())
//	}
//
// A program that is no test runs in a lab, too, with an M and a T of its own.
//
// What a host may not do, because it would do it to the whole machine: it cannot set
// the clock, write a sysctl outside net.*, load a module, use sysrq, see the machine's
// /tmp or leave its own cgroup. It is no security boundary against hostile code.
//
// Inside the lab /run is private, so that named network namespaces and lock files end
// with it too. There is no way out to other networks.
package hostlab
