package probesnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// haproxyProbe asks a stats socket.
type haproxyProbe struct {
	cfg     probes.HAProxy
	timeout time.Duration
}

// maxStats bounds the answer: some 500 bytes a server.
const maxStats = 8 << 20

func (p *haproxyProbe) look(ctx context.Context) Result {
	answer, err := p.ask(ctx)
	if err != nil {
		var how progress
		return Result{Detail: p.cfg.Socket + ": " + how.explain(err, p.timeout)}
	}
	detail, err := p.judge(answer)
	if err != nil {
		return Result{Answered: true, Detail: p.cfg.Socket + ": " + err.Error()}
	}
	return Result{OK: true, Answered: true, Detail: p.cfg.Socket + ": " + detail}
}

// question is one line of commands; of a backend it wants the servers only (type 4).
func (p *haproxyProbe) question() string {
	commands := []string{"show info"}
	for _, b := range p.cfg.Backends {
		commands = append(commands, "show stat "+b+" 4 -1")
	}
	return strings.Join(commands, ";") + "\n"
}

func (p *haproxyProbe) ask(ctx context.Context) (string, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", p.cfg.Socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(c, p.question()); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(c, maxStats+1))
	switch {
	case err != nil:
		return "", err
	case len(answer) == 0:
		return "", io.ErrUnexpectedEOF
	case len(answer) > maxStats:
		return "", fmt.Errorf("the answer has more than %d bytes", maxStats)
	}
	return string(answer), nil
}

// judge tells what an answer says: its parts end with an empty line.
func (p *haproxyProbe) judge(answer string) (string, error) {
	parts := strings.Split(strings.TrimLeft(answer, "\n"), "\n\n")
	info := infoOf(parts[0])
	switch {
	case info["Name"] == "" || info["Pid"] == "":
		return "", fmt.Errorf("this is not what HAProxy answers: %q", answer[:min(len(answer), shownAnswer)])
	case info["Stopping"] == "1":
		return "", fmt.Errorf("process %s is stopping", info["Pid"])
	}
	detail := info["Name"] + " " + info["Version"] + ", process " + info["Pid"]
	for i, b := range p.cfg.Backends {
		if i+1 >= len(parts) {
			return "", errors.New("the answer ends before backend " + b)
		}
		count, err := p.backend(b, strings.TrimLeft(parts[i+1], "\n"))
		if err != nil {
			return "", err
		}
		detail += ", " + count
	}
	return detail, nil
}

func infoOf(text string) map[string]string {
	info := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if key, value, ok := strings.Cut(line, ": "); ok {
			info[key] = value
		}
	}
	return info
}

// shownServers is how many servers that are not up are named.
const shownServers = 5

// backend counts the servers of a backend that are up.
func (p *haproxyProbe) backend(name, text string) (string, error) {
	head, rows, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(head, "# ") {
		return "", fmt.Errorf("backend %s: %s", name, strings.TrimSpace(head))
	}
	columns := strings.Split(strings.TrimPrefix(head, "# "), ",")
	up, all := 0, 0
	var others []string
	for _, row := range strings.Split(rows, "\n") {
		fields := strings.Split(row, ",")
		server, status := column(columns, fields, "svname"), column(columns, fields, "status")
		switch {
		case server == "":
			continue
		case strings.HasPrefix(status, "UP") || status == "no check":
			up++
		case len(others) < shownServers:
			others = append(others, server+" "+status)
		}
		all++
	}
	count := fmt.Sprintf("backend %s has %d of %d servers up", name, up, all)
	if up >= p.cfg.MinUp {
		return count, nil
	}
	count += fmt.Sprintf(", wanted: %d", p.cfg.MinUp)
	if len(others) > 0 {
		count += " (" + strings.Join(others, ", ") + ")"
	}
	return "", errors.New(count)
}

// column is the field of a row under a heading; empty: there is none.
func column(columns, row []string, name string) string {
	for i, c := range columns {
		if c == name && i < len(row) {
			return row[i]
		}
	}
	return ""
}
