package probesnet

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

func TestHTTPComparesTheDigestOfTheWholeBody(t *testing.T) {
	long := strings.Repeat("x", maxText) + "y"
	sha, md := fmt.Sprintf("%x", sha256.Sum256([]byte(long))), fmt.Sprintf("%X", md5.Sum([]byte(long)))
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			w.Write([]byte(long[:maxText]))
		case "/huge":
			for range maxBody/len(long) + 2 {
				w.Write([]byte(long))
			}
		default:
			w.Write([]byte(long))
		}
	})
	cut := fmt.Sprintf("%x", sha256.Sum256([]byte(long[:maxText])))
	for _, tt := range []struct {
		path, digest string
		ok           bool
		detail       string
	}{
		{"/", sha, true, "200"},
		{"/", strings.ToUpper(sha), true, "200"},
		{"/", md, true, "200"},
		{"/cut", sha, false, "200, the body has the digest " + cut + ", want " + sha},
		{"/huge", sha, false, "the body has more than 16777216 bytes, too much for a digest"},
	} {
		r := lookOnce(t, probes.HTTP{URL: s.URL + tt.path, Digest: tt.digest}, 30*time.Second)
		if want := "GET " + s.URL + tt.path + ": " + tt.detail; r.OK != tt.ok || r.Detail != want {
			t.Errorf("%s: %v %q, want %v %q", tt.digest, r.OK, r.Detail, tt.ok, want)
		}
	}
	r := lookOnce(t, probes.HTTP{URL: s.URL, Digest: sha, Body: probes.Text{Contains: "z"}}, 30*time.Second)
	if r.OK || !strings.HasSuffix(r.Detail, `200, the body does not contain "z"`) {
		t.Errorf("a digest that is right and a text that is not there: %+v", r)
	}
}

func TestADigestIsSHA256OrMD5(t *testing.T) {
	for _, s := range []string{"abc", "zz", strings.Repeat("a", 40), strings.Repeat("g", 64)} {
		if err := Usable(probes.Config{Check: probes.HTTP{URL: "http://127.0.0.1/", Digest: s}}); err == nil {
			t.Errorf("%q can be used", s)
		}
	}
}

func TestHTTPAsksForEveryURLUntilOneIsBad(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	of := func(paths ...string) probes.HTTP {
		c := probes.HTTP{URL: s.URL + paths[0]}
		for _, p := range paths[1:] {
			c.Also = append(c.Also, s.URL+p)
		}
		return c
	}
	if r := lookOnce(t, of("/a", "/b", "/c"), 30*time.Second); !r.OK || r.Detail != "GET "+s.URL+"/c: 200" {
		t.Errorf("%+v", r)
	}
	if r := lookOnce(t, of("/d", "/bad", "/never"), 30*time.Second); r.OK || r.Detail != "GET "+s.URL+"/bad: 502, want 200-399" {
		t.Errorf("%+v", r)
	}
	if got := strings.Join(asked, " "); got != "/a /b /c /d /bad" {
		t.Errorf("it asked for %s", got)
	}
}
