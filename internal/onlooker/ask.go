//go:build linux

// Package onlooker asks the virtual address all the time and counts who answers ARP for
// it: a process of its own in the client's network (Be), and the record of what it saw
// (Onlooker).
package onlooker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// AskEvery is the time between two requests.
	AskEvery = 2 * time.Millisecond
	// AnswerWithin is the limit of each request, which waits for itself alone: one that
	// hangs hides nothing.
	AnswerWithin = 250 * time.Millisecond
)

// Be asks the virtual address for ever, a new connection each time, and prints every
// request as it ends, and "s" with how late it was when it was late; beside it runs the
// census on the network interface.
func Be(nic, vip string) error {
	var out printer
	census, err := openCensus(nic, vip)
	if err != nil {
		return err
	}
	go census.run(&out)
	for next := time.Now(); ; next = next.Add(AskEvery) {
		time.Sleep(time.Until(next))
		if late := time.Since(next); late > AskEvery { // it says so, and does not catch up in a burst
			out.line("s %d", late)
			next = time.Now()
		}
		go request(&out, vip)
	}
}

// printer writes whole lines of several goroutines.
type printer struct{ mu sync.Mutex }

func (p *printer) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintf(os.Stdout, format+"\n", args...); err != nil {
		os.Exit(0) // nobody listens any more
	}
}

// Nobody is who answered a request that was not answered.
const Nobody = "-"

// request prints "r", when it was asked, when it ended, and who answered.
func request(out *printer, vip string) {
	asked := Now()
	ctx, cancel := context.WithTimeout(context.Background(), AnswerWithin)
	defer cancel()
	who, err := fetch(ctx, vip)
	if err != nil {
		who = Nobody
	}
	out.line("r %d %d %s", asked, Now(), who)
}

func fetch(ctx context.Context, vip string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", vip+":80")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0) // leave no TIME_WAIT: ports would run out
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", vip); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	who := strings.TrimSpace(string(body))
	if err == nil && (resp.StatusCode != http.StatusOK || who == "") {
		err = fmt.Errorf("answer %s", resp.Status)
	}
	return who, err
}
