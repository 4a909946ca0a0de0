package probesnet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/words"
	"github.com/pairkeeper/pairkeeper/probes"
)

// certificate is how a server's certificate is judged.
type certificate struct {
	cfg  probes.TLS
	name string // empty: that of the address

	mu    sync.Mutex
	roots *x509.CertPool // nil: the system's
	read  os.FileInfo    // of CAFile, as it was read
}

func newCertificate(h probes.HTTP) (*certificate, error) {
	c := &certificate{cfg: h.TLS, name: h.TLS.SNI}
	if c.name == "" && h.Host != "" {
		c.name = h.Host
		if host, _, err := net.SplitHostPort(h.Host); err == nil {
			c.name = host
		}
	}
	_, err := c.authorities()
	return c, err
}

// authorities are those of CAFile, read again when it has changed.
func (c *certificate) authorities() (*x509.CertPool, error) {
	if c.cfg.CAFile == "" {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := os.Stat(c.cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("the CA file %s: %w", c.cfg.CAFile, words.Bare(err))
	}
	if c.read != nil && os.SameFile(c.read, now) && now.ModTime().Equal(c.read.ModTime()) && now.Size() == c.read.Size() {
		return c.roots, nil
	}
	data, err := readFile(c.cfg.CAFile, maxCAFile)
	if err != nil {
		return nil, fmt.Errorf("the CA file %s: %w", c.cfg.CAFile, words.Bare(err))
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("the CA file %s has no certificate in PEM format", c.cfg.CAFile)
	}
	c.roots, c.read = roots, now
	return roots, nil
}

// maxCAFile is several times the usual bundle of all authorities.
const maxCAFile = 4 << 20

// handshake speaks TLS on a connection, and closes it if the certificate is not good.
func (c *certificate) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	t, err := c.shake(ctx, conn, address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return t, nil
}

func (c *certificate) shake(ctx context.Context, conn net.Conn, address string) (*tls.Conn, error) {
	roots, err := c.authorities()
	if err != nil {
		return nil, err
	}
	name := c.name
	if name == "" {
		if name, _, err = net.SplitHostPort(address); err != nil {
			return nil, err
		}
	}
	t := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: roots, InsecureSkipVerify: c.cfg.Insecure})
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, refused(err)
	}
	return t, c.lasts(t.ConnectionState().PeerCertificates)
}

// lasts tells whether enough is left of each certificate.
func (c *certificate) lasts(chain []*x509.Certificate) error {
	if c.cfg.MinDays == 0 {
		return nil
	}
	for _, one := range chain {
		left := time.Until(one.NotAfter)
		if left >= time.Duration(c.cfg.MinDays)*24*time.Hour {
			continue
		}
		until := one.NotAfter.UTC().Format("2006-01-02 15:04 MST")
		if left < 0 {
			return fmt.Errorf("the certificate of %s expired on %s", one.Subject, until)
		}
		return fmt.Errorf("the certificate of %s is valid for %d more days, until %s, want %d", one.Subject, int(left.Hours()/24), until, c.cfg.MinDays)
	}
	return nil
}

// refused says in an operator's words why there is no TLS.
func refused(err error) error {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("the server does not speak TLS (%s)", e.Msg)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		now := time.Now()
		if now.Before(e.Cert.NotBefore) {
			return fmt.Errorf("the certificate of %s is not valid before %s", e.Cert.Subject, e.Cert.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
		}
		return fmt.Errorf("the certificate of %s expired on %s", e.Cert.Subject, e.Cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		subject := "the server"
		if e.Cert != nil {
			subject = e.Cert.Subject.String()
		}
		return fmt.Errorf("the certificate of %s is signed by nobody known: give ca_file, or insecure: true", subject)
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("the certificate is not for %s: give sni", e.Host)
	}
	return err
}
