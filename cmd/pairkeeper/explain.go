package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func newExplain() *cobra.Command {
	var socket string
	var asJSON bool
	var past past
	c := &cobra.Command{
		Use:   "explain [ROUTER]",
		Short: "say why this node holds the addresses or not, and what would change it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if past.asked() {
				return past.explain(c.OutOrStdout(), socket, args, asJSON)
			}
			path := "/v1/explain"
			if len(args) > 0 {
				path += "?router=" + url.QueryEscape(args[0])
			}
			var e daemon.Explanation
			status, err := ask(socket, http.MethodGet, path, &e)
			switch {
			case err != nil:
				return err
			case status == http.StatusNotFound:
				return fmt.Errorf("there is no virtual router %s here: `pairkeeper status` shows their names", args[0])
			case asJSON:
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(e)
			}
			printExplanation(c.OutOrStdout(), e, time.Now())
			return nil
		},
	}
	past.flags(c)
	socketFlag(c, &socket)
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON (schema 1)")
	return c
}

// printExplanation writes it for people; now makes times into ages.
func printExplanation(out io.Writer, e daemon.Explanation, now time.Time) {
	since := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return " for " + ago(now.Sub(t))
	}
	fmt.Fprintf(out, "%s: this node is %s%s\n", e.Node, e.Health.Verdict, since(e.Health.Since))
	for _, p := range e.Health.Parts {
		if p.Verdict == "healthy" {
			continue
		}
		fmt.Fprintf(out, "  %s %s is %s%s: %s%s\n", p.Kind, p.Name, p.Verdict, since(p.Since), p.Why, takes(p.Penalty))
	}
	for _, r := range e.Routers {
		fmt.Fprintf(out, "\n%s: %s\n", r.Router, r.Text)
		printSentences(out, "the numbers:", r.Facts)
		printSentences(out, "it would change if:", r.Changes)
		printSentences(out, "about "+e.Peer+":", r.Peer)
		printSentences(out, "what you can do:", r.Remedy)
	}
}

func takes(penalty int) string {
	if penalty == 0 {
		return ""
	}
	return fmt.Sprintf(" (takes %d from the priority)", penalty)
}

func printSentences(out io.Writer, head string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "  %s\n", head)
	for _, s := range list {
		fmt.Fprintf(out, "  - %s\n", s)
	}
}
