package hosts

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// The unit as shipped: a user of its own, the key as a credential, and a socket that answers.
func TestTheWitnessRunsAsAService(t *testing.T) {
	netlab.Need(t, "systemctl")
	lab := hostlab.New(t, "witness", "lb01")
	w, asker := lab.Host("witness"), lab.Host("lb01")
	installWitness(t, w)
	says := func(what string) {
		t.Helper()
		for end := time.Now().Add(soon); !strings.Contains(w.Journal(t, "-u", "pairkeeper-witness"), what); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the journal does not say %q:\n%s", what, w.Journal(t))
			}
		}
	}
	says("is a witness at")
	if user := strings.TrimSpace(w.Run(t, "sh", "-c", "ps -o user= -p $(systemctl show -p MainPID --value pairkeeper-witness)")); user == "root" {
		t.Error("it runs as root")
	}
	asker.Run(t, "bash", "-c", "printf hello >/dev/udp/"+w.Addr()+"/6941")
	says("no question of a pair")
}

// installWitness runs the third vote on a host, as a unit.
func installWitness(t *testing.T, w *hostlab.Host) {
	t.Helper()
	unit, err := os.ReadFile("../../systemd/pairkeeper-witness.service")
	if err != nil {
		t.Fatal(err)
	}
	w.Install(t, binary, "/usr/bin/pairkeeper")
	w.Write(t, "/etc/systemd/system/pairkeeper-witness.service", string(unit), 0o644)
	w.Write(t, keyFile, pairKey, 0o600)
	w.Run(t, "systemctl", "daemon-reload")
	if out, err := w.Try("systemctl", "start", "pairkeeper-witness"); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, w.Journal(t))
	}
}
