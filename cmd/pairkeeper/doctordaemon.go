package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/internal/doctor/doctornet"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// askDaemon is what the daemon says, nil where none answers, and why it could not be asked.
func askDaemon(socket string) (d *doctor.Daemon, problem string) {
	var s daemon.Status
	status, err := ask(socket, http.MethodGet, "/v1/status", &s)
	var f failure
	switch {
	case errors.As(err, &f) && f.code == exitPermission:
		return nil, "the daemon: " + err.Error()
	case err != nil:
		if _, there := os.Stat(socket); errors.Is(there, os.ErrPermission) {
			return nil, fmt.Sprintf("the daemon: %s: permission denied: only root may ask", socket)
		}
		return nil, ""
	case status != http.StatusOK:
		return nil, fmt.Sprintf("the daemon answers with status %d", status)
	}
	d = daemonFacts(&s)
	d.Socket = socket
	d.PID = listenerOf(socket)
	d.Unit = doctornet.UnitOf(d.PID)
	return d, ""
}

// listenerOf is the process that listens on a socket, as the kernel tells it; 0: not known.
func listenerOf(socket string) (pid int) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 0
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}

// daemonFacts are the parts of a status that rules look at.
func daemonFacts(s *daemon.Status) *doctor.Daemon {
	d := &doctor.Daemon{Version: s.Version, File: s.Config.File, Problem: s.Config.Problem, Pending: s.Config.Pending}
	for _, r := range s.Routers {
		one := doctor.Router{Name: r.Name, State: r.State, Gate: r.Gate}
		if r.Peer != nil {
			one.Heard = r.Peer.Address
		}
		d.Routers = append(d.Routers, one)
	}
	if h := s.Heartbeat; h != nil {
		d.Different, d.PeerHeard = h.Different, h.Peer != nil
		for _, l := range h.Links {
			one := doctor.Link{Local: l.Local, Peer: l.Peer, State: l.State, Sent: l.Sent, Received: l.Received, Problem: l.Problem}
			for _, f := range l.Refused {
				one.Refused = append(one.Refused, fmt.Sprintf("%d refused (%s): %s", f.Count, f.Reason, f.Remedy))
			}
			d.Links = append(d.Links, one)
		}
	}
	for _, p := range s.Probes {
		d.Probes = append(d.Probes, doctor.Probe{Name: p.Name, State: p.State, Detail: p.Detail})
	}
	return d
}
