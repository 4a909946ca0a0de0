package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// showIPVS prints the virtual servers with their real servers.
func showIPVS(out io.Writer, socket string, asJSON bool) error {
	var s daemon.IPVSStatus
	if _, err := ask(socket, http.MethodGet, "/v1/ipvs", &s); err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	printIPVS(out, s, time.Now())
	return nil
}

// printVirtualServers writes a line for each service.
func printVirtualServers(w io.Writer, list []daemon.VirtualServerStatus, now time.Time) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w, "VIRTUAL SERVER\tSERVICE\tSCHEDULER\tHERE\tQUORUM\tFOR\tSERVERS UP")
	for _, v := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d of %d\n", v.Name, v.Service, v.Options, here(v), quorum(v), age(now, v.Since), v.Up, v.Total)
	}
	fmt.Fprintln(w)
}

// here is whether this node serves, and how.
func here(v daemon.VirtualServerStatus) string {
	switch {
	case v.Serves && v.Apologizes:
		return "sorry server"
	case v.Serves:
		return "served"
	}
	return "no, " + v.Router + " is not ACTIVE"
}

func quorum(v daemon.VirtualServerStatus) string {
	word := "lost"
	if v.Quorum {
		word = "yes"
	}
	return fmt.Sprintf("%s, weight %d of %d", word, v.Weight, v.Needed)
}

// printIPVS writes what ipvsadm -Ln --stats does, with the health of the servers.
func printIPVS(out io.Writer, s daemon.IPVSStatus, now time.Time) {
	if s.Problem != "" {
		fmt.Fprintln(out, "!", s.Problem)
	}
	if len(s.VirtualServers) == 0 {
		fmt.Fprintln(out, "no virtual_servers are configured")
	}
	for _, v := range s.VirtualServers {
		fmt.Fprintf(out, "%s  %s  %s  %s, quorum %s, %d of %d servers up\n", v.Name, v.Service, v.Options, here(v), quorum(v), v.Up, v.Total)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "  SERVER\tFORWARD\tWEIGHT\tSTATE\tFOR\tACTIVE\tINACTIVE\tCONNS\tPACKETS IN/OUT\tBYTES IN/OUT\tCONNS/S\tLAST CHANGE")
		for _, r := range v.Servers {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", r.Address, r.Forward, weight(r), upWord(r.Up), age(now, r.Since), r.Active, r.Inactive, counted(r), r.Reason)
		}
		_ = w.Flush() // as good as out is
		fmt.Fprintln(out)
	}
}

// weight is what the kernel has; -: it does not have the server.
func weight(r daemon.RealServerStatus) string {
	if r.Counters == nil {
		return "-"
	}
	return fmt.Sprint(r.Weight)
}

func upWord(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// counted is four cells.
func counted(r daemon.RealServerStatus) string {
	c := r.Counters
	if c == nil {
		return "-\t-\t-\t-"
	}
	return fmt.Sprintf("%d\t%d/%d\t%s/%s\t%d", c.Connections, c.PacketsIn, c.PacketsOut, bytesWord(c.BytesIn), bytesWord(c.BytesOut), c.ConnectionRate)
}

// bytesWord is a number of bytes as a person says it.
func bytesWord(n uint64) string {
	units := []string{"", "K", "M", "G", "T", "P", "E"}
	f, i := float64(n), 0
	for f >= 1000 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if i == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%.1f%s", f, units[i])
}
