package main

import (
	"fmt"
	"io"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// printVoters writes what the third parties said last.
func printVoters(w io.Writer, list []daemon.VoterStatus, now time.Time) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w, "THIRD VOTE\tANSWER\tLAST HEARD\tLEASE OF")
	for _, v := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, orNone(v.Answer), age(now, v.Heard), orNone(v.Owner))
	}
	fmt.Fprintln(w)
}
