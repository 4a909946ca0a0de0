//go:build linux

package hostlab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// provision prepares a new disk at the host's first boot: the machine's own services
// and mounts are not wanted, nginx is.
func provision(name, root string) error {
	seal := root + "/etc/.hostlab"
	if _, err := os.Stat(seal); err == nil {
		return nil
	}
	if err := forgetMachine(root); err != nil {
		return err
	}
	id, err := freshID(root + "/etc/machine-id")
	if err != nil {
		return err
	}
	if err := trimID(id); err != nil {
		return err
	}
	for path, text := range map[string]string{
		"/etc/hostname":                name + "\n",
		"/etc/hosts":                   "127.0.0.1 localhost " + name + "\n",
		"/etc/fstab":                   "",
		"/etc/nginx/nginx.conf":        fmt.Sprintf(nginxConf, name),
		"/etc/haproxy/haproxy.cfg":     fmt.Sprintf(haproxyConf, name),
		"/var/log/journal/.hostlab":    "", // the folder makes the journal persistent
		"/etc/systemd/system/.hostlab": "",
	} {
		if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(root+path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	wants := root + "/etc/systemd/system/multi-user.target.wants"
	if err := os.Mkdir(wants, 0o755); err != nil {
		return err
	}
	if err := os.Symlink("/lib/systemd/system/nginx.service", wants+"/nginx.service"); err != nil {
		return err
	}
	return os.WriteFile(seal, nil, 0o644)
}

// forgetMachine removes what would start the machine's own services in the host.
func forgetMachine(root string) error {
	old, _ := filepath.Glob(root + "/etc/rc?.d")
	old = append(old, root+"/etc/systemd/system", root+"/etc/machine-id", root+"/etc/nginx/nginx.conf")
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// freshID writes a new random UUID to path.
func freshID(path string) (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, id, 0o444)
}

// trimID writes the UUID as machine-id(5) wants it: without dashes.
func trimID(path string) error {
	id, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes.ReplaceAll(id, []byte("-"), nil), 0o444)
}
