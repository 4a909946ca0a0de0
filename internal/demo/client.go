package demo

import (
	"bufio"
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
	askEvery = 2 * time.Millisecond
	// Each request waits for itself, so that one that hangs hides nothing.
	answerWithin = 100 * time.Millisecond
)

// Ask is the client: it asks the virtual address for ever, over a new connection each
// time, and prints each request when it ends; beside it runs the census.
func Ask() error {
	out := &printer{}
	c, err := openCensus(nic, vip)
	if err != nil {
		return err
	}
	go c.run(func(at time.Duration) { out.line("two %d", at) })
	for next := time.Now(); ; next = next.Add(askEvery) {
		time.Sleep(time.Until(next))
		if time.Since(next) > answerWithin {
			next = time.Now() // no burst after a stall
		}
		go ask(out)
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

// nobody is who answered a request that was not answered.
const nobody = "-"

// ask prints when it asked, when that ended, and who answered.
func ask(out *printer) {
	asked := now()
	who, err := fetch(vip+":80", time.Now().Add(answerWithin))
	if err != nil {
		who = nobody
	}
	out.line("asked %d %d %s", asked, now(), who)
}

func fetch(address string, deadline time.Time) (who string, err error) {
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp4", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0) // no TIME_WAIT, else the ports run out
	_ = conn.SetDeadline(deadline)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64))
	if who = strings.TrimSpace(string(body)); err == nil && (resp.StatusCode != http.StatusOK || who == "") {
		err = fmt.Errorf("answer %s", resp.Status)
	}
	return who, err
}
