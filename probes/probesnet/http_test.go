package probesnet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// serve runs a real server on a loopback port.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestLookJudgesTheStatus(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var code int
		fmt.Sscanf(r.URL.Path, "/%d", &code)
		w.Header().Set("Location", "/500")
		w.WriteHeader(code)
	})
	tests := []struct {
		name   string
		path   string
		accept []probes.StatusRange
		ok     bool
		detail string
	}{
		{"200 is good by default", "/200", nil, true, "200"},
		{"a redirect is good by default, and not followed", "/302", nil, true, "302"},
		{"404 is bad by default", "/404", nil, false, "404, want 200-399"},
		{"502 is bad", "/502", nil, false, "502, want 200-399"},
		{"a single status", "/401", []probes.StatusRange{{From: 401, To: 401}}, true, "401"},
		{"outside of two ranges", "/302", []probes.StatusRange{{From: 200, To: 204}, {From: 401, To: 401}}, false, "302, want 200-204, 401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := lookOnce(t, probes.HTTP{URL: s.URL + tt.path, Status: tt.accept}, 10*time.Second)
			want := "GET " + s.URL + tt.path + ": " + tt.detail
			if r.OK != tt.ok || !r.Answered || r.Detail != want {
				t.Fatalf("%+v, want OK %v, Answered, %q", r, tt.ok, want)
			}
		})
	}
}

func TestLookSendsMethodAndHost(t *testing.T) {
	var got atomic.Value
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got.Store(r.Method + " " + r.Host + " " + r.Proto + " " + r.Header.Get("Connection"))
	})
	r := lookOnce(t, probes.HTTP{URL: s.URL, Method: "HEAD", Host: "www.example.org"}, 10*time.Second)
	if !r.OK {
		t.Fatal(r.Detail)
	}
	if want := "HEAD www.example.org HTTP/1.1 close"; got.Load() != want {
		t.Fatalf("the server saw %q, want %q", got.Load(), want)
	}
}

func TestLookNoticesThatNobodyListens(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	r := lookOnce(t, probes.HTTP{URL: url}, 10*time.Second)
	if want := "GET " + url + ": connection refused"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

// A stopped proxy's listener still accepts: the kernel does it. Nothing ever answers.
func TestLookGivesUpOnASilentListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	url := "http://" + l.Addr().String() + "/"
	r := lookOnce(t, probes.HTTP{URL: url}, 100*time.Millisecond)
	if want := "GET " + url + ": no answer within 100ms"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

func TestLookTimeoutCoversTheBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	r := lookOnce(t, probes.HTTP{URL: s.URL}, 200*time.Millisecond)
	if want := "GET " + s.URL + ": no answer within 200ms"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

func TestLookReadsABoundedPartOfTheBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if r := lookOnce(t, probes.HTTP{URL: s.URL}, 30*time.Second); !r.OK {
		t.Fatal(r.Detail)
	}
}

func TestLookRefusesACutAnswer(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		c.Close()
	})
	r := lookOnce(t, probes.HTTP{URL: s.URL}, 10*time.Second)
	if want := "GET " + s.URL + ": the connection was closed before the answer was complete"; r.OK || r.Detail != want {
		t.Fatalf("%v %q, want %q", r.OK, r.Detail, want)
	}
}

func TestLookSendsHeaders(t *testing.T) {
	var got atomic.Value
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got.Store(r.UserAgent() + " " + r.Header.Get("X-Probe"))
	})
	r := lookOnce(t, probes.HTTP{URL: s.URL, Headers: []probes.Header{{Name: "X-Probe", Value: "yes"}, {Name: "User-Agent", Value: "curl"}}}, 10*time.Second)
	if !r.OK || got.Load() != "curl yes" {
		t.Fatalf("%+v, the server saw %q", r, got.Load())
	}
}

func TestLookWantsTheBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "status: fine\nsessions: 12\n")
	})
	for _, tt := range []struct {
		name, lack string
		want       probes.Text
	}{
		{"contained", "", probes.Text{Contains: "status: fine"}},
		{"matched", "", probes.Text{Regexp: `(?m)^sessions: [0-9]{1,3}$`}},
		{"both", "", probes.Text{Contains: "fine", Regexp: "sessions"}},
		{"not contained", `, the body does not contain "status: bad"`, probes.Text{Contains: "status: bad"}},
		{"not matched", `, the body does not match "^sessions"`, probes.Text{Contains: "fine", Regexp: "^sessions"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := lookOnce(t, probes.HTTP{URL: s.URL, Body: tt.want}, 10*time.Second)
			if want := "GET " + s.URL + ": 200" + tt.lack; r.OK != (tt.lack == "") || !r.Answered || r.Detail != want {
				t.Fatalf("%+v, want %q", r, want)
			}
		})
	}
}

func TestLookFollowsRedirectsOnlyWhenAsked(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2" {
			return
		}
		http.Redirect(w, r, map[string]string{"/": "/1", "/1": "/2"}[r.URL.Path], http.StatusFound)
	})
	ok := []probes.StatusRange{{From: 200, To: 200}}
	for follow, want := range []string{"302, want 200", "redirected more than 1 times", "200"} {
		r := lookOnce(t, probes.HTTP{URL: s.URL, Status: ok, Follow: follow}, 10*time.Second)
		if want := "GET " + s.URL + ": " + want; r.Detail != want || r.OK != (follow == 2) {
			t.Errorf("follow %d: %+v, want %q", follow, r, want)
		}
	}
}

func TestLookAsksNoProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	// Go exempts loopback addresses from the proxy: a name that is none has to be asked.
	if r := lookWith(t, resolving("127.0.0.1"), probes.HTTP{URL: "http://proxied.test:" + port(s.Listener.Addr())}, 10*time.Second); !r.OK {
		t.Fatal(r.Detail)
	}
}

// speak answers one connection after another with what do says.
func speak(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			do(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

// hear waits for a request, or the end of the connection.
func hear(c net.Conn) { c.Read(make([]byte, 4096)) }

func port(a net.Addr) string {
	_, p, _ := net.SplitHostPort(a.String())
	return p
}

func TestLookGivesUpOnAByteASecond(t *testing.T) {
	at := speak(t, func(c net.Conn) {
		hear(c)
		for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	r := lookOnce(t, probes.HTTP{URL: "http://" + at}, 300*time.Millisecond)
	if want := "GET http://" + at + ": no answer within 300ms"; r.OK || r.Answered || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
}

func TestLookReadsABoundedPartOfTheHeader(t *testing.T) {
	at := speak(t, func(c net.Conn) {
		hear(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-Padding: 0123456789abcdef0123456789abcdef\r\n"); err != nil {
				return
			}
		}
	})
	r := lookOnce(t, probes.HTTP{URL: "http://" + at}, 30*time.Second)
	if want := "GET http://" + at + ": server response headers exceeded 65536 bytes; aborted"; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
}

func TestLookRefusesWhatIsNotHTTP(t *testing.T) {
	at := speak(t, func(c net.Conn) { hear(c); io.WriteString(c, "220 mail.example.com ESMTP\r\n") })
	r := lookOnce(t, probes.HTTP{URL: "http://" + at}, 30*time.Second)
	if want := "GET http://" + at + `: malformed HTTP status code "mail.example.com"`; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
}

func TestLookRefusesAServerThatSpeaksFirst(t *testing.T) {
	at := speak(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); hear(c) })
	r := lookOnce(t, probes.HTTP{URL: "http://" + at}, 30*time.Second)
	// It depends on whether the request or the banner is faster.
	spoke, odd := "the server speaks before it is asked, which is not HTTP", `malformed HTTP response "SSH-2.0-OpenSSH_9.2"`
	if what := strings.TrimPrefix(r.Detail, "GET http://"+at+": "); r.OK || what != spoke && what != odd {
		t.Fatalf("%+v", r)
	}
}

// deafDNS resolves by a server that never answers.
func deafDNS(t *testing.T) *kit {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	k := newKit()
	k.dns = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", l.LocalAddr().String())
	}
	return k
}

func TestLookTimeoutCoversTheName(t *testing.T) {
	k := deafDNS(t)
	start := time.Now()
	r := lookWith(t, k, probes.HTTP{URL: "http://backend.test/"}, 200*time.Millisecond)
	if want := "GET http://backend.test/: no answer within 200ms: the name backend.test is not resolved"; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
	if took := time.Since(start); took > 4*time.Second { // a resolver's own is 5 s and more
		t.Fatalf("it took %s", took)
	}
}
