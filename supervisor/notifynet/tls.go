package notifynet

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/pairkeeper/pairkeeper/internal/words"
)

// authorities are those of a file, read anew for each try; nil: the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the CA file %s: %w", file, words.Bare(err))
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("the CA file %s has no certificate in PEM format", file)
	}
	return roots, nil
}

// bare is an error of package http without the URL, which may have a secret in it.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
