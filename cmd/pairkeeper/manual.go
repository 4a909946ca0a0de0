package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pairkeeper/pairkeeper/internal/manpage"
)

// newManual is for those who build packages.
func newManual() *cobra.Command {
	return &cobra.Command{
		Use:    "manual",
		Short:  "print the manual page pairkeeper(8)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			page := manpage.Page{Name: "pairkeeper", Section: 8, Source: "pairkeeper " + version(), Title: c.Root().Short}
			_, err := io.WriteString(c.OutOrStdout(), page.Write(manual(c.Root())))
			return err
		},
	}
}

// manual is the text of the manual page, in Markdown.
func manual(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("## Synopsis\n\n`pairkeeper` *command* [*options*]\n\n`pairkeeper -t` [*file*]\n\n")
	b.WriteString("## Description\n\n" + about + "\n\n## Commands\n\n")
	for _, c := range commandsOf(root) {
		describe(&b, c)
	}
	b.WriteString(fmt.Sprintf(afterwards, "- `"+strings.Join(places, "`\n- `")+"`", exitUsage, exitUnavailable, exitSoftware, exitPermission, exitConfig))
	return b.String()
}

const about = "Two hosts run the same nginx or HAProxy. pairkeeper runs beside it on both, restarts a proxy that has failed, and sees to it that one " +
	"healthy proxy of the two answers on the virtual address: by VRRP, and by a heartbeat where there is one. It runs as `pairkeeper.service`; on a host with " +
	"both nginx and HAProxy as `pairkeeper@nginx.service` or `pairkeeper@haproxy.service`, which read the file next to that proxy's configuration."

const afterwards = `## Files

One of these is the configuration, see pairkeeper.yaml(5):

%s

- ` + "`" + defaultSocket + "`" + `: the control socket of the daemon

## Exit status

| status | meaning |
|---|---|
| 0 | done |
| %d | wrong use |
| %d | no daemon answers, or it refuses |
| %d | something failed |
| %d | a permission is missing |
| %d | the configuration is wrong |

## See also

pairkeeper.yaml(5), systemctl(1), journalctl(1), nginx(8), haproxy(1)
`

// commandsOf are the commands that people give, those of commands too.
func commandsOf(c *cobra.Command) (list []*cobra.Command) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "completion" {
			continue
		}
		if sub.Runnable() {
			list = append(list, sub)
		}
		list = append(list, commandsOf(sub)...)
	}
	return list
}

// usage is the line of a command, its options left out.
func usage(c *cobra.Command) string { return strings.TrimSuffix(c.UseLine(), " [flags]") }

func describe(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "### %s\n\n", usage(c))
	text := c.Long
	if text == "" {
		text = c.Short
	}
	b.WriteString(text + "\n\n")
	rows := ""
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			rows += row(f)
		}
	})
	if rows != "" {
		b.WriteString("| option | meaning |\n|---|---|\n" + rows + "\n")
	}
}

// row is a flag in a table.
func row(f *pflag.Flag) string {
	kind, usage := pflag.UnquoteUsage(f)
	name := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	if kind != "" {
		name += " *" + kind + "*"
	}
	if !strings.Contains(usage, "default") && f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
		usage += " (default: " + f.DefValue + ")"
	}
	clean := strings.NewReplacer("\n", " ", "|", `\|`)
	return "| " + name + " | " + clean.Replace(usage) + " |\n"
}
