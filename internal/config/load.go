package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// File is a configuration file as the node reads it that this host is.
type File struct {
	Path     string
	Document *Document
	Config   supervisor.Config // of this node, whose name is Config.Node
	Here     bool              // this host has the node's address
	Recorder int64             // how many bytes the flight recorder keeps; 0: it is off
	Manual   bool              // a change of the file is not applied by itself
	Files    []string          // itself and those with its secrets, absolute
	Metrics  Metrics           // of this node
	Page     string            // where this node has its status page; empty: nowhere
	Warnings []Error
	Settings func() []Setting // all values; they are read again, which takes less to keep than they do
}

// Load reads a configuration file. This host is the named node; where that is empty,
// the one of node:, else of the host's name, else of an address on an interface.
func Load(path, node string) (*File, error) { return load(path, node, false) }

// Check is Load for people: a credential of systemd that only the service can read is a
// warning. Config is without it then, and not for use.
func Check(path, node string) (*File, error) { return load(path, node, true) }

// credentials is the variable with which systemd shows a service its credentials.
const credentials = "CREDENTIALS_DIRECTORY"

func load(path, node string, checking bool) (*File, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{{File: path, Text: reason(err)}}
	}
	d, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	settings := func() []Setting {
		d, err := Parse(path, data)
		if err != nil {
			return nil // it was read before
		}
		return d.Settings()
	}
	f := &File{Settings: settings, Path: path, Document: d, Manual: d.manual, Recorder: d.recorder, Files: filesOf(path, d), Warnings: d.Warnings()}
	dir := os.Getenv(credentials)
	if checking && dir == "" {
		f.Warnings = append(f.Warnings, d.skipCredentials()...)
	}
	if err := d.ReadSecrets(dir); err != nil {
		return nil, err
	}
	if err := d.CheckPrograms(); err != nil {
		return nil, err
	}
	host := thisHost()
	self, warnings, err := d.self(node, host)
	if err != nil {
		return nil, err
	}
	if err := d.checkFence(self); err != nil {
		return nil, err
	}
	f.Warnings = append(f.Warnings, warnings...)
	f.Here = slices.Contains(d.owned(host), self)
	if f.Config, err = d.For(self); err != nil {
		return nil, err
	}
	f.Metrics, f.Page = d.MetricsOf(self), d.PageOf(self)
	return f, nil
}

// readFile reads no more than Parse will take.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

// reason is the system's reason without the path, which the message has already.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
