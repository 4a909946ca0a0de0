package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/internal/keepalived"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
)

// importing is what an import is told on the command line.
type importing struct {
	files     []string
	output    string
	force     bool
	report    string
	asJSON    bool
	table     string
	names     []string
	addresses []string
	ids       []string
	root      string
}

func newImport() *cobra.Command {
	var i importing
	c := &cobra.Command{
		Use:   "import [FILE [FILE]]",
		Short: "make a configuration of the keepalived.conf of both nodes, and say what changes",
		Long: "Import reads keepalived.conf as keepalived does, the file of one node or of both, and writes one configuration\n" +
			"for the pair. On standard error, or in --report, it says what was taken over, what changed, what was not taken over and\n" +
			"what was wrong in the original. Nothing of this host is touched; run it where the scripts are that the file names,\n" +
			"since it looks into them.",
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			i.files = args
			return i.run(c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVarP(&i.output, "output", "o", "", "write the configuration to this file (default: standard output)")
	f.BoolVar(&i.force, "force", false, "write over a file that is there")
	f.StringVar(&i.report, "report", "", "write the report to this file (default: standard error)")
	f.BoolVar(&i.asJSON, "json", false, "write the report as JSON (schema 1)")
	f.StringVar(&i.table, "ipvsadm", "", "take over the virtual servers that `ipvsadm-save -n` wrote to this file; - is standard input")
	f.StringVar(&i.root, "root", "", "look for the scripts that the files name below this folder, as in a copy of a node's files (default: this host)")
	f.StringSliceVar(&i.names, "node", nil, "the names of the nodes, in the order of the files")
	f.StringSliceVar(&i.addresses, "address", nil, "a node's own address, such as lb01=10.0.0.5")
	f.StringSliceVar(&i.ids, "id", nil, "keepalived's -i for each file, where lines begin with @id; two for one file make a pair of it")
	return c
}

func (i *importing) run(out, errs io.Writer) error {
	sources, err := i.sources()
	if err != nil {
		return err
	}
	o, err := i.options()
	if err != nil {
		return err
	}
	r, err := keepalived.Import(sources, o)
	if r == nil {
		return failure{exitConfig, err}
	}
	if err != nil {
		return errors.Join(i.tell(errs, r), failure{exitConfig, err})
	}
	err = i.write(out, r.YAML)
	return errors.Join(i.tell(errs, r), err)
}

// sources are the files that are read.
func (i *importing) sources() ([]keepalived.Source, error) {
	if len(i.files) == 0 && i.table == "" {
		return nil, errors.New("name a keepalived.conf, that of both nodes best, or --ipvsadm")
	}
	files := i.files
	if len(files) == 1 && len(i.ids) == 2 {
		files = append(files, files[0])
	}
	var list []keepalived.Source
	for k, name := range files {
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, failure{exitConfig, err}
		}
		s := keepalived.Source{Files: os.DirFS("/"), Path: path, ID: thisHost()}
		if k < len(i.ids) {
			s.ID = i.ids[k]
		}
		list = append(list, s)
	}
	return list, nil
}

// thisHost is keepalived's default for -i.
func thisHost() string {
	name, _ := os.Hostname()
	short, _, _ := strings.Cut(name, ".")
	return short
}

func (i *importing) options() (keepalived.Options, error) {
	o := keepalived.Options{Names: i.names, Addresses: map[string]netip.Addr{}, Usable: usable}
	if i.root != "" {
		o.Programs, o.Usable = os.DirFS(i.root), i.present
	}
	if len(i.names) == 0 && len(i.files) == 1 && len(i.ids) == 2 {
		o.Names = i.ids
	}
	for _, one := range i.addresses {
		name, text, ok := strings.Cut(one, "=")
		a, err := netip.ParseAddr(text)
		if !ok || err != nil {
			return o, fmt.Errorf("--address %s is not a node and its address, such as lb01=10.0.0.5", one)
		}
		o.Addresses[name] = a
	}
	if i.table == "" {
		return o, nil
	}
	o.TableName = i.table
	read := func() ([]byte, error) { return os.ReadFile(i.table) }
	if i.table == "-" {
		o.TableName, read = "ipvsadm-save", func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	text, err := read()
	if err != nil {
		return o, failure{exitConfig, err}
	}
	o.Table = string(text)
	return o, nil
}

// present tells whether a program is in the copy of a node's files.
func (i *importing) present(command []string, _ string) error {
	info, err := os.Stat(filepath.Join(i.root, command[0]))
	switch {
	case err != nil:
		return fmt.Errorf("%s is not below %s", command[0], i.root)
	case info.IsDir() || info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s may not be executed (mode %04o)", command[0], info.Mode().Perm())
	}
	return nil
}

// usable tells why this host would not run a program.
func usable(command []string, user string) error {
	return notifynet.Usable(supervisor.Hook{Command: command, User: user})
}

// write writes the configuration, once it is known to be one.
func (i *importing) write(out io.Writer, text []byte) error {
	name := i.output
	if name == "" {
		name = "the result"
	}
	_, wrong := config.Parse(name, text)
	if wrong != nil {
		wrong = failure{exitConfig, fmt.Errorf("%w\nthe result has to be put right by hand; please report what it was made of", wrong)}
	}
	if i.output == "" {
		_, err := out.Write(text)
		return errors.Join(err, wrong)
	}
	return errors.Join(i.create(i.output, text), wrong)
}

// create writes a file; one that is there only with --force. It may have a password.
func (i *importing) create(path string, text []byte) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if i.force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o640)
	switch {
	case errors.Is(err, fs.ErrExist):
		return failure{exitConfig, fmt.Errorf("%s is there already: name another file, or write over it with --force", path)}
	case err != nil:
		return failure{exitPermission, err}
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// tell writes the report.
func (i *importing) tell(errs io.Writer, r *keepalived.Result) error {
	var b strings.Builder
	var err error
	if i.asJSON {
		err = reportJSON(&b, r)
	} else {
		reportText(&b, r, i.output)
	}
	switch {
	case err != nil:
		return err
	case i.report != "":
		return i.create(i.report, []byte(b.String()))
	}
	_, err = io.WriteString(errs, b.String())
	return err
}

// relative shortens a path below the working directory.
func relative(name string) string {
	dir, err := os.Getwd()
	if err != nil {
		return name
	}
	if short, ok := strings.CutPrefix(name, dir+"/"); ok {
		return short
	}
	return name
}

func reportText(w io.Writer, r *keepalived.Result, output string) {
	part := -1
	for _, n := range r.Notes {
		if int(n.Part) != part {
			if part >= 0 {
				fmt.Fprintln(w)
			}
			part = int(n.Part)
			fmt.Fprintf(w, "%s:\n", keepalived.PartTitles[n.Part])
		}
		n.File = relative(n.File)
		rule := ""
		if n.Rule != "" {
			rule = " [" + n.Rule + "]"
		}
		fmt.Fprintf(w, "  %s: %s%s\n", n.Pos, n.Text, rule)
	}
	if r.YAML == nil {
		return
	}
	if output == "" {
		output = "FILE"
	}
	fmt.Fprintln(w, "\nnext:")
	if r.Open > 0 {
		fmt.Fprintf(w, "  fill in what is marked TODO (%d)\n", r.Open)
	}
	fmt.Fprintf(w, "  pairkeeper check --node %s %s\n  pairkeeper rehearse %s\n", r.Nodes[0], output, output)
}

// reported is a line of the report as JSON has it.
type reported struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Rule string `json:"rule,omitempty"`
	Text string `json:"text"`
}

func reportJSON(w io.Writer, r *keepalived.Result) error {
	parts := map[string][]reported{}
	for _, name := range keepalived.PartNames {
		parts[name] = []reported{}
	}
	for _, n := range r.Notes {
		name := keepalived.PartNames[n.Part]
		parts[name] = append(parts[name], reported{relative(n.File), n.Line, n.Rule, n.Text})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"schema": 1, "nodes": r.Nodes, "todo": r.Open, "report": parts})
}
