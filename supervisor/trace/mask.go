package trace

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"reflect"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// mask is what is left out of a field.
type mask uint8

const (
	open      mask = iota // nothing
	secret                // every text in it
	arguments             // of a command, all but the program
)

// masked are the fields that may hold a secret. No decision rests on what they say, only on
// whether it is another than before: so a mark takes the text's place that differs where the
// text does, and tells nothing to who has not the daemon's memory.
var masked = map[reflect.Type]map[string]mask{
	reflect.TypeFor[vrrp.Auth]():          {"Key": secret},
	reflect.TypeFor[vrrp.HMACKey]():       {"Secret": secret},
	reflect.TypeFor[fencing.Key]():        {"Secret": secret},
	reflect.TypeFor[fencing.Agent]():      {"Options": secret, "Command": arguments},
	reflect.TypeFor[supervisor.Proxy]():   {"Command": arguments, "Test": arguments},
	reflect.TypeFor[supervisor.Hook]():    {"Command": arguments},
	reflect.TypeFor[supervisor.Mail]():    {"User": secret, "Password": secret},
	reflect.TypeFor[supervisor.Webhook](): {"URL": secret, "Token": secret, "Secret": secret, "Headers": secret},
	reflect.TypeFor[probes.Config]():      {"Check": secret}, // addresses with passwords, headers, what is sent
}

func maskOf(t reflect.Type, name string) mask { return masked[t][name] }

// salt makes the marks of this process differ from those of any other.
var salt = func() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return b
}()

// mark is what takes a text's place; an empty one stays empty.
func mark(text []byte) []byte {
	if len(text) == 0 {
		return text
	}
	h := hmac.New(sha256.New, salt)
	h.Write(text)
	return append([]byte("masked-"), hex.EncodeToString(h.Sum(nil)[:8])...)
}
