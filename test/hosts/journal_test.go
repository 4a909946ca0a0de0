package hosts

import (
	"os"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// installCatalogs does what make install does.
func installCatalogs(t *testing.T, h *hostlab.Host) {
	t.Helper()
	for _, name := range []string{"pairkeeper.catalog", "pairkeeper.zh_CN.catalog"} {
		text, err := os.ReadFile("../../systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(t, "/usr/lib/systemd/catalog/"+name, string(text), 0o644)
	}
	h.Run(t, "journalctl", "--update-catalog")
}

// addLocale gives the host a locale of a name. journalctl asks for the name alone, but the
// C library has to have it; locale-gen makes the real one, for which Debian's lean hosts
// lack the sources.
func addLocale(t *testing.T, h *hostlab.Host, name string) {
	t.Helper()
	h.Run(t, "cp", "-r", "/usr/lib/locale/C.utf8", "/usr/lib/locale/"+name)
}

func TestJournalctlExplainsATransitionInEnglishAndChinese(t *testing.T) {
	p := newPair(t, nginx)
	installCatalogs(t, p.b)
	addLocale(t, p.b, "zh_CN.utf8")
	p.kill(p.a, "pairkeeper.service", "STOP", "main") // hung: the other one is silent
	p.client.WaitFor(t, "lb02", soon)
	p.b.Run(t, "journalctl", "--sync")
	explain := func(env ...string) string {
		args := append([]string{"env"}, env...)
		return p.b.Run(t, append(args, "journalctl", "--no-pager", "-x", "-u", "pairkeeper", "PAIRKEEPER_STATE=ACTIVE")...)
	}
	want := func(text string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("it lacks %q:\n%s", w, text)
			}
		}
		if strings.Contains(text, "@PAIRKEEPER") {
			t.Errorf("a field is missing:\n%s", text)
		}
	}
	english := []string{"Subject: web: this node took over, the other one is silent", "The adverts of virtual router web stopped on interface eth0", "lb02 holds the", "tcpdump -ni eth0 proto 112"}
	want(explain("LANG=C.UTF-8"), english...)
	want(explain("LANG=de_DE.UTF-8"), english...)
	chinese := []string{"Subject: web：对端无通告，本节点已接管", "现在由 lb02 持有虚拟地址。", "tcpdump -ni eth0 proto 112"}
	want(explain("LANG=zh_CN.UTF-8"), chinese...)
	want(explain("LANG=C.UTF-8", "LC_MESSAGES=zh_CN.UTF-8"), chinese...)
}
