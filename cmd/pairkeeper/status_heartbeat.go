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

// heartbeatProblems are what is wrong with the links, and what the nodes do not have in
// common.
func heartbeatProblems(h *daemon.HeartbeatStatus, peer string) (list []string) {
	if h == nil {
		return nil
	}
	for _, l := range h.Links {
		what := fmt.Sprintf("heartbeat %s - %s", l.Local, l.Peer)
		switch {
		case l.Problem != "":
			list = append(list, what+": "+l.Problem)
		case l.State == "silent":
			list = append(list, what+": nothing comes from "+peer+": is it running, and is UDP let through?")
		case l.State == "one-way":
			list = append(list, what+": "+peer+" does not hear this node: look for a firewall there")
		}
		for _, r := range l.Refused {
			list = append(list, fmt.Sprintf("%s: %d messages refused (%s): %s", what, r.Count, r.Reason, r.Remedy))
		}
	}
	for _, d := range h.Different {
		list = append(list, peer+" differs in "+d)
	}
	return list
}
