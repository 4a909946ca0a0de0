package config

import "github.com/pairkeeper/pairkeeper/supervisor"

// Pair is a configuration file as both nodes read it, for looking at: without its secrets,
// and without the programs and interfaces of this host. It is not for use.
type Pair struct {
	Document *Document
	Nodes    [2]supervisor.Config
}

// ReadPair reads a configuration file for both nodes.
func ReadPair(path string) (*Pair, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{{File: path, Text: reason(err)}}
	}
	return parsePair(path, data)
}

func parsePair(name string, data []byte) (*Pair, error) {
	d, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	for s := range d.secrets {
		s.skipped = true
	}
	p := &Pair{Document: d}
	for i, name := range d.Nodes() {
		if p.Nodes[i], err = d.For(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}
