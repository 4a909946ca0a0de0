package fencingnet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/internal/words"
)

// optionName is what a fence agent calls an option.
var optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// OptionFault tells why a line with an option would not be understood; empty: it would.
// action and nodename are given to every agent.
func OptionFault(name, value string) string {
	switch {
	case !optionName.MatchString(name):
		return fmt.Sprintf("%q is not the name of an option", name)
	case name == "action" || name == "option" || name == "nodename":
		return name + " is set for every shot"
	case strings.ContainsAny(value, "\n\r\x00"):
		return "the value of " + name + " has more than one line"
	}
	return ""
}

// readOptions reads a file with an option in each line, name=value, as the agents
// themselves read them: empty lines and those with # do not count.
func readOptions(path string) ([]fencing.Option, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	var list []fencing.Option
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%s:%d: is not name=value", path, i+1)
		}
		if fault := OptionFault(name, value); fault != "" {
			return nil, fmt.Errorf("%s:%d: %s", path, i+1, fault)
		}
		list = append(list, fencing.Option{Name: name, Value: value})
	}
	return list, nil
}

// readPassword reads a file with one line.
func readPassword(path string) (string, error) {
	text, err := readSecret(path)
	if err != nil {
		return "", err
	}
	switch text = strings.TrimRight(text, "\r\n"); {
	case text == "":
		return "", fmt.Errorf("%s is empty: write the password", path)
	case strings.ContainsAny(text, "\n\r\x00"):
		return "", fmt.Errorf("%s has more than one line: write the password alone, or use options_file: in its place", path)
	}
	return text, nil
}

// maxSecret is what is read of a file.
const maxSecret = 64 << 10

// readSecret reads a file that not everybody may read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", path, words.Bare(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&0o007 != 0:
		return "", fmt.Errorf("%s can be read by anybody (mode %04o): chmod 0640 %s", path, info.Mode().Perm(), path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, words.Bare(err))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	return string(text), errors.Join(err, f.Close())
}
