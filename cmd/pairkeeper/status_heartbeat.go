package main

import (
	"fmt"
	"io"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// printHeartbeat writes the links, and what the other node said last.
func printHeartbeat(w io.Writer, h *daemon.HeartbeatStatus, peer string, now time.Time) {
	if h == nil {
		return
	}
	fmt.Fprintln(w, "HEARTBEAT\tSTATE\tLAST HEARD\tROUND TRIP\tSENT\tRECEIVED")
	for _, l := range h.Links {
		fmt.Fprintf(w, "%s - %s\t%s\t%s\t%s\t%d\t%d\n", l.Local, l.Peer, l.State, age(now, l.Heard), orNone(l.RoundTrip), l.Sent, l.Received)
	}
	if p := h.Peer; p != nil {
		fmt.Fprintf(w, "%s is %s, pairkeeper %s, heard %s ago\n", peer, p.Class, p.Version, age(now, p.Heard))
	}
	fmt.Fprintln(w)
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
