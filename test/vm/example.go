//go:build linux

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/internal/vmlab"
)

// exampleService is what the clients of the examples use.
const exampleService = "10.0.0.3:80"

// example is a folder of examples/ on its hosts.
type example struct {
	*testing.T
	folder    string
	front     *netlab.Lab
	client    *netlab.Host
	directors [2]*director
	servers   [2]*netlab.Host
	nginx     [2]*exec.Cmd
	roots     [2]string // of the servers' files, of which index.html is the host's name
}

// newExample has the hosts of an example, with their addresses.
func newExample(t *testing.T, folder string) *example {
	t.Helper()
	vmlab.Need(t)
	netlab.Need(t, "nginx", "ip", "ipvsadm")
	e := &example{T: t, folder: folder, front: netlab.New(t)}
	back, prefix := e.front, "10.0.0"
	for i := range e.directors {
		h := e.front.Host(fmt.Sprintf("lb%02d", i+1), fmt.Sprintf("10.0.0.%d/24", 5+i))
		e.directors[i] = &director{site: &site{T: t}, host: h, dir: t.TempDir()}
	}
	if folder == "lvs-nat" {
		back, prefix = netlab.New(t), "192.168.9"
		for i, d := range e.directors {
			d.host.PlugInto(back, "eth1", fmt.Sprintf("192.168.9.%d/24", 5+i))
		}
	}
	for i := range e.servers {
		e.servers[i] = back.Host(fmt.Sprintf("web%d", i+1), fmt.Sprintf("%s.%d/24", prefix, 11+i))
		e.roots[i] = t.TempDir()
		e.write(filepath.Join(e.roots[i], "index.html"), e.servers[i].Name+"\n")
	}
	e.client = e.front.Host("client", "10.0.0.9/24")
	for _, dir := range []string{"/etc/sysctl.d", "/etc/network/interfaces.d", "/etc/network/if-pre-up.d", "/etc/network/if-up.d", "/etc/nginx", "/etc/pairkeeper", "/etc/modules-load.d", "/var/log/nginx"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	e.write("/etc/network/interfaces", "source-directory /etc/network/interfaces.d\n")
	t.Cleanup(func() { _ = os.RemoveAll("/etc/network") })
	return e
}

func (e *example) write(file, text string) {
	e.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		e.Fatal(err)
	}
}

// run follows README.md: all its commands, on the hosts that they are for, in order.
func (e *example) run() {
	e.Helper()
	for _, b := range blocksOf(e.T, filepath.Join(examplesFolder, e.folder, "README.md")) {
		switch b.where {
		case "real-server":
			for i, h := range e.servers {
				e.follow(h, b, "")
				e.startNginx(i)
			}
		case "director":
			for _, d := range e.directors {
				e.follow(d.host, b, "")
				d.start(e.config())
			}
		case "active":
			e.await("lb01 serves", func() bool { return strings.Count(rules(e.directors[0].host), " -w 1") == 2 })
			e.follow(e.directors[0].host, b, filepath.Join(e.directors[0].dir, "sock"))
		case "client":
			e.await("it answers", func() bool { _, err := get(e.client, exampleService); return err == nil })
			if got := strings.Split(e.follow(e.client, b, ""), "\n"); !slices.Equal(got, []string{"web1", "web2"}) && !slices.Equal(got, []string{"web2", "web1"}) {
				e.Errorf("the round robin answered %q", got)
			}
		default:
			e.Errorf("%s: commands for %q", e.folder, b.where)
		}
	}
}

// config is what the README has put into place, with more time for adverts: the machine is
// an emulated one.
func (e *example) config() string {
	e.Helper()
	text, err := os.ReadFile("/etc/pairkeeper/pairkeeper.yaml")
	if err != nil {
		e.Fatal(err)
	}
	return regexp.MustCompile(`vrid: 50(, *|\n *)`).ReplaceAllString(string(text), "${0}advert_interval: 500ms$1")
}

// prelude lets the commands be run as they stand: services are started by the test, which
// needs their processes, and a host of its own has files that are another's, too.
const prelude = `set -e
systemctl() { :; }
pairkeeper() { %s "$@" %s; }
rm -f /run/ifstate /run/network/ifstate
`

// follow runs commands from the example's folder and returns what they print. A socket is
// for those that ask the daemon.
func (e *example) follow(h *netlab.Host, b block, socket string) string {
	e.Helper()
	if socket != "" {
		socket = "--socket " + socket
	}
	folder, err := filepath.Abs(filepath.Join(examplesFolder, e.folder))
	if err != nil {
		e.Fatal(err)
	}
	out, err := h.Try("sh", "-c", "cd "+folder+"\n"+fmt.Sprintf(prelude, testbin.Path(), socket)+b.commands)
	e.Logf("%s:\n%s%s", h.Name, b.commands, out)
	if err != nil {
		e.Fatal(err)
	}
	if strings.Contains(out, "warning") {
		e.Errorf("%s: a warning", h.Name)
	}
	return strings.TrimSpace(out)
}

// startNginx runs a server's nginx with its own files.
func (e *example) startNginx(i int) {
	e.Helper()
	text, err := os.ReadFile("/etc/nginx/nginx.conf")
	if err != nil {
		e.Fatal(err)
	}
	own := strings.Replace(string(text), "/var/www/html", e.roots[i], 1)
	if own == string(text) {
		e.Fatal("nginx.conf has no root")
	}
	dir := e.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	e.write(conf, own)
	var said testbin.Output
	e.nginx[i] = exec.Command("nginx", "-e", "stderr", "-c", conf, "-g", "daemon off; master_process off; user root; pid "+dir+"/pid;")
	e.nginx[i].Stdout, e.nginx[i].Stderr = &said, &said
	e.servers[i].Start(e.nginx[i])
	e.await(e.servers[i].Name+" answers", func() bool { body, _ := get(e.servers[i], "127.0.0.1:80"); return body == e.servers[i].Name })
}

func (e *example) await(what string, is func() bool) {
	e.Helper()
	(&site{T: e.T}).await(what, is)
}

// serverDies kills a server's nginx and waits until nobody is sent there any more. It tells
// how long that took.
func (e *example) serverDies(i int) time.Duration {
	e.Helper()
	begun := time.Now()
	if err := e.nginx[i].Process.Kill(); err != nil {
		e.Fatal(err)
	}
	_ = e.nginx[i].Wait()
	e.await(e.servers[i].Name+" is out", func() bool { return strings.Count(rules(e.directors[0].host), " -w 1") == 1 })
	return time.Since(begun)
}

// directorDies is a power cut.
func (e *example) directorDies(i int) {
	e.Helper()
	d := e.directors[i]
	d.kill()
	for _, name := range []string{"eth0", "eth1"} {
		if _, err := d.host.Try("ip", "link", "show", name); err == nil {
			d.host.Cable(name).Cut()
		}
	}
}

// block is a piece of a text with commands for a kind of host.
type block struct{ where, commands string }

const examplesFolder = "../../examples"

var fenced = regexp.MustCompile("(?ms)^```sh ([a-z-]+)\n(.*?)^```$")

// blocksOf are the commands that a text shows.
func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		list = append(list, block{m[1], m[2]})
	}
	if all := strings.Count(string(text), "```sh"); len(list) == 0 || len(list) != all {
		t.Fatalf("%s has %d pieces with commands, of which %d say for which hosts", file, all, len(list))
	}
	return list
}
