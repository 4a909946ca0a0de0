package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/config"
)

// places is where the configuration file lies: next to the proxy's, or in a folder of
// its own.
var places = []string{
	"/etc/pairkeeper/pairkeeper.yaml",
	"/etc/nginx/pairkeeper.yaml",
	"/etc/haproxy/pairkeeper.yaml",
}

// source is where a command finds its configuration.
type source struct{ path, node string }

func (s *source) flags(c *cobra.Command) {
	c.Flags().StringVarP(&s.path, "config", "c", "", "configuration file (default: the one of "+strings.Join(places, ", ")+")")
	c.Flags().StringVar(&s.node, "node", "", "the node to be (default: found by host name or address)")
}

// load reads the configuration file for the daemon.
func (s *source) load() (*config.File, error) { return s.read(config.Load) }

// check reads the configuration file for people.
func (s *source) check() (*config.File, error) { return s.read(config.Check) }

func (s *source) read(as func(path, node string) (*config.File, error)) (*config.File, error) {
	path, err := s.find()
	if err != nil {
		return nil, failure{exitConfig, err}
	}
	f, err := as(path, s.node)
	if err != nil {
		return nil, failure{exitConfig, err}
	}
	return f, nil
}

func (s *source) find() (string, error) {
	if s.path != "" {
		return s.path, nil
	}
	var there []string
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			there = append(there, p)
		}
	}
	switch len(there) {
	case 0:
		return "", errors.New("there is no configuration file: write " + places[1] + ", or name one with -c")
	case 1:
		return there[0], nil
	}
	return "", fmt.Errorf("there are several configuration files, %s: name one with -c", strings.Join(there, " and "))
}
