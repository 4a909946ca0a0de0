package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// defaultSocket is the control socket of the one daemon of a host.
const defaultSocket = "/run/pairkeeper/control.sock"

func socketFlag(c *cobra.Command, socket *string) {
	c.Flags().StringVar(socket, "socket", theSocket("/run"), "control socket of the daemon")
}

// theSocket is the control socket of the host's daemon: that of an instance, as of
// pairkeeper@nginx.service, where it is the only one.
func theSocket(run string) string {
	if _, err := os.Lstat(filepath.Join(run, "pairkeeper/control.sock")); err != nil {
		if found, _ := filepath.Glob(filepath.Join(run, "pairkeeper-*/control.sock")); len(found) == 1 {
			return found[0]
		}
	}
	return filepath.Join(run, "pairkeeper/control.sock")
}

// ask sends a request to the daemon and decodes its answer, whatever the status says.
func ask(socket, method, path string, answer any) (status int, err error) {
	return askWithin(10*time.Second, socket, method, path, answer)
}

// askWithin is ask with a time limit of its own.
func askWithin(limit time.Duration, socket, method, path string, answer any) (status int, err error) {
	client := &http.Client{
		Timeout: limit,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}},
	}
	req, err := http.NewRequest(method, "http://pairkeeper"+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, os.ErrPermission):
		return 0, failure{exitPermission, fmt.Errorf("%s: permission denied: only root may ask", socket)}
	case err != nil:
		return 0, failure{exitUnavailable, fmt.Errorf("no daemon answers on %s: is it running? (systemctl status pairkeeper)", socket)}
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusForbidden {
		var denied daemon.Denied
		_ = json.NewDecoder(resp.Body).Decode(&denied)
		return resp.StatusCode, failure{exitPermission, errors.New(denied.Problem)}
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return 0, failure{exitUnavailable, fmt.Errorf("%s: %s", socket, resp.Status)}
	}
	return resp.StatusCode, nil
}
