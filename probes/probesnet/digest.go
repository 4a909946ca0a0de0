package probesnet

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// maxBody is the most that is read of a body for its digest.
const maxBody = 16 << 20

// digest is what the digest of a whole body has to be. The zero value: none is wanted.
type digest struct {
	want string
	hash func() hash.Hash
}

func newDigest(s string) (digest, error) {
	raw, err := hex.DecodeString(s)
	d := digest{want: hex.EncodeToString(raw)}
	switch {
	case err == nil && len(raw) == 0:
	case err == nil && len(raw) == sha256.Size:
		d.hash = sha256.New
	case err == nil && len(raw) == md5.Size: // against mistakes, not against an enemy
		d.hash = md5.New
	default:
		return d, fmt.Errorf("%q is neither the 64 hexadecimal digits of SHA-256 nor the 32 of MD5", s)
	}
	return d, nil
}

// body is what there is to know of a body.
type body struct {
	begin []byte
	sum   string // the digest, if one is wanted
}

// read reads the beginning of a body, and all of it where its digest is wanted.
func (d digest) read(r io.Reader) (b body, err error) {
	if d.hash == nil {
		b.begin, err = io.ReadAll(io.LimitReader(r, maxText))
		return b, err
	}
	h := d.hash()
	r = io.TeeReader(io.LimitReader(r, maxBody+1), h)
	if b.begin, err = io.ReadAll(io.LimitReader(r, maxText)); err != nil {
		return b, err
	}
	n, err := io.Copy(io.Discard, r)
	if err == nil && n+int64(len(b.begin)) > maxBody {
		err = fmt.Errorf("the body has more than %d bytes, too much for a digest", maxBody)
	}
	b.sum = hex.EncodeToString(h.Sum(nil))
	return b, err
}

// missing says what is wrong with the digest of a body; empty: nothing.
func (d digest) missing(sum string) string {
	if d.hash == nil || sum == d.want {
		return ""
	}
	return fmt.Sprintf("has the digest %s, want %s", sum, d.want)
}
