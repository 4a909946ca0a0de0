package probesnet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// secure runs an https server for www.example.com whose certificate, which signs
// itself, ends in some time; it returns its URL and the certificate's file.
func secure(t *testing.T, lasts time.Duration) (url, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "www.example.com"},
		NotBefore: time.Now().Add(-1000 * 24 * time.Hour), NotAfter: time.Now().Add(lasts),
		DNSNames: []string{"www.example.com"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "for "+r.TLS.ServerName+" "+r.Host)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	file = filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, file, der)
	return s.URL, file
}

func writePEM(t *testing.T, file string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
}

const day = 24 * time.Hour

func TestLookJudgesTheCertificate(t *testing.T) {
	url, ca := secure(t, 10*day+time.Hour)
	old, oldCA := secure(t, -day)
	_, other := secure(t, day)
	for _, tt := range []struct {
		name   string
		check  probes.HTTP
		ok     bool
		detail string // its end
	}{
		{"good", probes.HTTP{URL: url, TLS: probes.TLS{SNI: "www.example.com", CAFile: ca}}, true, ": 200"},
		{"the Host is the name asked for", probes.HTTP{URL: url, Host: "www.example.com:8443", TLS: probes.TLS{CAFile: ca}, Body: probes.Text{Contains: "for www.example.com www.example.com:8443"}}, true, ": 200"},
		{"no known authority", probes.HTTP{URL: url, TLS: probes.TLS{SNI: "www.example.com", CAFile: other}}, false, "is signed by nobody known: give ca_file, or insecure: true"},
		{"for another name", probes.HTTP{URL: url, TLS: probes.TLS{CAFile: ca}}, false, "the certificate is not for 127.0.0.1: give sni"},
		{"insecure", probes.HTTP{URL: url, TLS: probes.TLS{Insecure: true}}, true, ": 200"},
		{"days enough", probes.HTTP{URL: url, TLS: probes.TLS{Insecure: true, MinDays: 10}}, true, ": 200"},
		{"days too few", probes.HTTP{URL: url, TLS: probes.TLS{Insecure: true, MinDays: 11}}, false, ", want 11"},
		{"expired", probes.HTTP{URL: old, TLS: probes.TLS{SNI: "www.example.com", CAFile: oldCA}}, false, "expired on " + time.Now().Add(-day).UTC().Format("2006-01-02")},
		{"expired though insecure", probes.HTTP{URL: old, TLS: probes.TLS{Insecure: true, MinDays: 1}}, false, "expired on " + time.Now().Add(-day).UTC().Format("2006-01-02")},
		{"expired, insecure, and the days do not matter", probes.HTTP{URL: old, TLS: probes.TLS{Insecure: true}}, true, ": 200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := lookOnce(t, tt.check, 30*time.Second)
			detail := r.Detail
			if i := strings.LastIndex(detail, " UTC"); i > 0 && strings.Contains(tt.detail, "expired") {
				detail = detail[:i-len(" 15:04")]
			}
			if r.OK != tt.ok || !strings.HasSuffix(detail, tt.detail) {
				t.Fatalf("%+v, want %q", r, tt.detail)
			}
		})
	}
}

func TestLookReadsAChangedCAFileAgain(t *testing.T) {
	url, ca := secure(t, day)
	_, other := secure(t, day)
	file := filepath.Join(t.TempDir(), "ca.pem")
	copyFile(t, other, file)
	p, err := newKit().newLooker(probes.Config{Check: probes.HTTP{URL: url, TLS: probes.TLS{SNI: "www.example.com", CAFile: file}}})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.look(t.Context()); r.OK {
		t.Fatalf("%+v with another's certificate", r)
	}
	if err := os.Rename(ca, file); err != nil {
		t.Fatal(err)
	}
	if r := p.look(t.Context()); !r.OK {
		t.Fatal(r.Detail)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if r := p.look(t.Context()); r.OK || !strings.HasSuffix(r.Detail, ": the CA file "+file+": does not exist") {
		t.Fatalf("%+v without the file", r)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnusableCAFileIsSaid(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		empty:         "the CA file " + empty + " has no certificate in PEM format",
		dir + "/none": "the CA file " + dir + "/none: does not exist",
		dir:           "the CA file " + dir + ": is not a file (d---------)",
	} {
		err := Usable(probes.Config{Check: probes.HTTP{URL: "https://127.0.0.1/", TLS: probes.TLS{CAFile: file}}})
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestLookRefusesGarbageInPlaceOfTLS(t *testing.T) {
	at := speak(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	r := lookOnce(t, probes.HTTP{URL: "https://" + at}, 30*time.Second)
	if want := "GET https://" + at + ": the server does not speak TLS (first record does not look like a TLS handshake)"; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
}

func TestLookGivesUpOnASilentTLSServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := lookOnce(t, probes.HTTP{URL: "https://" + l.Addr().String()}, 200*time.Millisecond)
	if want := "GET https://" + l.Addr().String() + ": no answer within 200ms"; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
}
