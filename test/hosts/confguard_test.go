package hosts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// generation is a page of the proxy's own on port 81, whose text tells which configuration
// is in force.
func (p *pair) generation() string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	resp, err := client.Get("http://" + p.a.Addr() + ":81/")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(text))
}

// generations is the file that has the text, and the folder of the configuration.
func (p *pair) generations() (file, dir string) {
	if p.proxy == nginx {
		return "/etc/nginx/conf.d/generation.conf", "/etc/nginx"
	}
	return p.proxy.config, "/etc/haproxy"
}

// guarded is a pair whose first host has a page with its generation, and a policy.
func guarded(t *testing.T, proxy proxy, policy string) *pair {
	t.Helper()
	p := newPair(t, proxy)
	file, _ := p.generations()
	if proxy == nginx {
		p.a.Write(t, file, "server { listen 81; location / { return 200 \"gen0\\n\"; } }\n", 0o644)
	} else {
		p.a.Run(t, "sh", "-c", "printf 'frontend generation\n  bind :81\n  http-request return status 200 content-type text/plain string gen0\n' >> "+file)
	}
	p.a.Run(t, "systemctl", "reload", proxy.unit)
	p.a.Write(t, "/etc/pairkeeper/pairkeeper.yaml", strings.Replace(configFor(proxy, ""), "  test: ", "  reload: "+policy+"\n  test: ", 1), 0o644)
	p.a.Run(t, "systemctl", "reload", "pairkeeper.service")
	p.loaded(1)
	p.config("unchanged")
	p.answers("gen0")
	return p
}

// config awaits a state of the first host's proxy's configuration.
func (p *pair) config(states ...string) daemon.ProxyConfigStatus {
	p.t.Helper()
	s := p.await(p.a, "the configuration is "+strings.Join(states, " or "), func(s daemon.Status) bool {
		if s.Proxy == nil || s.Proxy.Config == nil {
			return false
		}
		for _, state := range states {
			if s.Proxy.Config.State == state {
				return true
			}
		}
		return false
	})
	if len(s.Proxy.ConfigHash) != 64 {
		p.t.Errorf("the hash of the configuration is %q", s.Proxy.ConfigHash)
	}
	return *s.Proxy.Config
}

func (p *pair) answers(generation string) {
	p.t.Helper()
	for end := time.Now().Add(soon); p.generation() != generation; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("port 81 answers %q, want %q", p.generation(), generation)
		}
	}
}

// undisturbed asserts that the proxy was not restarted, and that the address did not move.
func (p *pair) undisturbed(pid string) {
	p.t.Helper()
	if now := p.mainPID(p.a, p.proxy.unit); now != pid {
		p.t.Errorf("the main process was %s and is %s", pid, now)
	}
	if got := p.client.Hosts(); len(got) != 1 || got[0] != "lb01" {
		p.t.Errorf("answered by %v, want lb01 alone", got)
	}
	p.neverTwo()
}

// awaitLine awaits words in what systemctl status says of pairkeeper.
func (p *pair) awaitLine(words string) {
	p.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(50 * time.Millisecond) {
		line := p.a.Run(p.t, "systemctl", "show", "-P", "StatusText", "pairkeeper.service")
		if strings.Contains(line, words) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("STATUS= is %q, want %q in it", line, words)
		}
	}
}

// loaded awaits that somebody else's reload was noticed so often.
func (p *pair) loaded(times int) {
	p.t.Helper()
	for end := time.Now().Add(soon); strings.Count(p.journal(p.a), "(proxy-config-loaded)") < times; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("not %d reloads were noticed:\n%s", times, p.journal(p.a))
		}
	}
}

// edits are ways to change gen$OLD to gen$NEW in $FILE, which lies in $DIR.
var edits = []struct{ name, script string }{
	{"sed -i", `sed -i s/gen$OLD/gen$NEW/ $FILE`},
	{"an editor's swap file and backup", `d=$(dirname $FILE); f=$(basename $FILE); touch $d/.$f.swp $d/4913; rm $d/4913
		mv $FILE $FILE~; sed s/gen$OLD/gen$NEW/ $FILE~ > $FILE; rm $FILE~ $d/.$f.swp`},
	{"a file renamed into place", `sed s/gen$OLD/gen$NEW/ $FILE > $DIR/.ansible_tmpx; mv $DIR/.ansible_tmpx $FILE`},
	{"the directory renamed into place", `cp -a $DIR $DIR.next; sed -i s/gen$OLD/gen$NEW/ $DIR.next${FILE#$DIR}; mv $DIR $DIR.old; mv $DIR.next $DIR; rm -r $DIR.old`},
	{"a directory that becomes a link", `mkdir -p /srv/releases; cp -a $DIR /srv/releases/$NEW; sed -i s/gen$OLD/gen$NEW/ /srv/releases/$NEW${FILE#$DIR}
		mv $DIR $DIR.old; ln -s /srv/releases/$NEW $DIR; rm -r $DIR.old`},
	{"a link that is switched", `cp -a /srv/releases/$OLD /srv/releases/$NEW; sed -i s/gen$OLD/gen$NEW/ /srv/releases/$NEW${FILE#$DIR}
		ln -sfn /srv/releases/$NEW $DIR.link; mv -T $DIR.link $DIR`},
}

// edit changes the generation from n to n+1 in one of the ways, and then runs a script.
func (p *pair) edit(n int, after string) {
	p.t.Helper()
	file, dir := p.generations()
	p.a.Run(p.t, "sh", "-ec", fmt.Sprintf("OLD=%d NEW=%d FILE=%s DIR=%s; %s; %s", n, n+1, file, dir, edits[n].script, after))
}

func TestGoodEditIsReloadedWhereThatIsWanted(t *testing.T) {
	for name, proxy := range proxies {
		t.Run(name, func(t *testing.T) {
			p := guarded(t, proxy, "auto")
			pid := p.mainPID(p.a, proxy.unit)
			p.mark()
			for n := range edits {
				t.Log(edits[n].name)
				p.edit(n, "true")
				p.answers(fmt.Sprintf("gen%d", n+1))
				p.config("reloaded")
			}
			if got := strings.Count(p.journal(p.a), "(proxy-config-reloaded)"); got != len(edits) {
				t.Errorf("%d reloads for %d edits", got, len(edits))
			}
			file, _ := p.generations()
			p.wantJournal(p.a, file+": tested good, "+proxy.unit+" reloaded (proxy-config-reloaded)")
			p.undisturbed(pid)
		})
	}
}

func TestGoodEditIsReportedAndWaitsForTheOperator(t *testing.T) {
	for name, proxy := range proxies {
		t.Run(name, func(t *testing.T) {
			p := guarded(t, proxy, "manual")
			pid := p.mainPID(p.a, proxy.unit)
			p.mark()
			file, _ := p.generations()
			for n := range edits {
				t.Log(edits[n].name)
				p.edit(n, "true")
				if c := p.config("pending"); len(c.Changed) != 1 || c.Changed[0] != file || c.Problem != "" {
					t.Errorf("status says %+v", c)
				}
				p.answers(fmt.Sprintf("gen%d", n)) // not in force
				p.a.Run(t, "systemctl", "reload", proxy.unit)
				p.config("unchanged")
				p.answers(fmt.Sprintf("gen%d", n+1))
			}
			short := strings.TrimSuffix(proxy.unit, ".service")
			p.wantJournal(p.a, file+": tested good, not in force: systemctl reload "+short+" (proxy-config-pending)", "(proxy-config-loaded)")
			p.undisturbed(pid)
		})
	}
}

func TestEditThatIsReloadedAtOnceIsNeverPending(t *testing.T) {
	for name, proxy := range proxies {
		t.Run(name, func(t *testing.T) {
			p := guarded(t, proxy, "manual")
			for n := range 3 {
				p.edit(n, "systemctl reload "+proxy.unit)
				p.answers(fmt.Sprintf("gen%d", n+1))
				p.loaded(2 + n)
				p.config("unchanged")
			}
			if text := p.journal(p.a); strings.Contains(text, "(proxy-config-pending)") {
				t.Errorf("what was in force was called pending:\n%s", text)
			}
		})
	}
}

func TestBadEditIsSaidBeforeTheCrashAndThenMovesTheVIP(t *testing.T) {
	for name, proxy := range proxies {
		t.Run(name, func(t *testing.T) {
			p := guarded(t, proxy, "auto")
			pid := p.mainPID(p.a, proxy.unit)
			p.mark()
			p.a.Run(t, "sed", "-i", "$ a "+proxy.breakIt, proxy.config)
			c := p.config("bad")
			if !strings.Contains(c.Problem, proxy.config) || len(c.Changed) != 1 || c.Changed[0] != proxy.config {
				t.Errorf("status says %+v, not where in %s", c, proxy.config)
			}
			if screen := p.a.Run(t, "pairkeeper", "status"); !strings.Contains(screen, "is bad, it would not start again") || !strings.Contains(screen, proxy.config) {
				t.Errorf("the screen does not say so:\n%s", screen)
			}
			p.awaitLine("its configuration on disk is bad")
			p.wantJournal(p.a, "(proxy-config-bad)", proxy.unit+" goes on as it is, but would not start again", proxy.config)
			time.Sleep(2 * time.Second) // long enough to do something foolish
			p.answers("gen0")
			p.undisturbed(pid)

			p.kill(p.a, proxy.unit, "KILL", "all")
			p.client.WaitFor(t, "lb02", soon)
			p.neverTwo()
			p.wantJournal(p.a, "(proxy-test-failed)", "ACTIVE -> FAULT (proxy-down) [FAULT]")
			p.config("bad")

			p.a.Run(t, "sed", "-i", "$ d", proxy.config)
			p.config("unchanged", "pending", "tested")
			p.a.Try("systemctl", "reset-failed", proxy.unit)
			p.a.Run(t, "systemctl", "start", proxy.unit)
			p.client.WaitFor(t, "lb01", soon)
			p.config("unchanged")
		})
	}
}

func TestBadConfigurationIsSaidWhenPairkeeperStarts(t *testing.T) {
	p := newPair(t, nginx)
	p.a.Run(t, "systemctl", "stop", "pairkeeper")
	p.a.Run(t, "sed", "-i", "$ a no_such_directive on;", "/etc/nginx/nginx.conf")
	p.a.Run(t, "systemctl", "start", "pairkeeper")
	p.client.WaitFor(t, "lb01", soon)
	if c := p.config("bad"); !strings.Contains(c.Problem, "/etc/nginx/nginx.conf") {
		t.Errorf("status says %+v", c)
	}
}

func TestEditWhilePairkeeperWasAwayIsPending(t *testing.T) {
	p := guarded(t, nginx, "manual")
	p.a.Run(t, "systemctl", "stop", "pairkeeper")
	p.edit(0, "true")
	p.a.Run(t, "systemctl", "start", "pairkeeper")
	p.config("pending")
	p.a.Run(t, "systemctl", "reload", "nginx")
	p.config("unchanged")
	p.a.Run(t, "systemctl", "restart", "pairkeeper")
	p.config("unchanged")
	p.wantJournal(p.a, "(proxy-config-loaded)")
}

// certificate makes a self-signed one with its key, as PEM.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// served is the name in the certificate that the first host shows.
func (p *pair) served() string {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", p.a.Addr()+":443", &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func (p *pair) serves(name string) {
	p.t.Helper()
	for end := time.Now().Add(soon); p.served() != name; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the certificate is that of %q, want %q", p.served(), name)
		}
	}
}

// As certbot does it: /etc/letsencrypt/live has links to the newest of archive.
func TestRenewedCertificateIsReloaded(t *testing.T) {
	for name, proxy := range proxies {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, proxy)
			const archive, live = "/etc/letsencrypt/archive/site/", "/etc/letsencrypt/live/site/"
			// renew puts the n-th certificate there and switches the links.
			renew := func(n string) {
				t.Helper()
				cert, key := certificate(t, "certificate "+n)
				p.a.Write(t, archive+"fullchain"+n+".pem", cert, 0o644)
				p.a.Write(t, archive+"privkey"+n+".pem", key, 0o600)
				p.a.Write(t, archive+"both"+n+".pem", cert+key, 0o600)
				p.a.Run(t, "sh", "-ec", fmt.Sprintf("mkdir -p %[1]s; cd %[1]s; for f in fullchain privkey both; do ln -s ../../archive/site/${f}%[2]s.pem $f.new; mv -T $f.new $f.pem; done", live, n))
			}
			renew("1")
			if proxy == nginx {
				p.a.Write(t, "/etc/nginx/conf.d/tls.conf", "server { listen 443 ssl; ssl_certificate "+live+"fullchain.pem; ssl_certificate_key "+live+"privkey.pem; return 200; }\n", 0o644)
			} else {
				p.a.Run(t, "sh", "-c", "printf 'frontend tls\n  bind :443 ssl crt "+live+"both.pem\n  http-request return status 200\n' >> /etc/haproxy/haproxy.cfg")
			}
			p.config("pending")
			p.a.Write(t, "/etc/pairkeeper/pairkeeper.yaml", strings.Replace(configFor(proxy, ""), "  test: ", "  reload: auto\n  test: ", 1), 0o644)
			p.serves("certificate 1") // the policy is applied by itself, and with it the edit
			p.config("reloaded")
			hash := p.await(p.a, "status", func(s daemon.Status) bool { return s.Proxy != nil }).Proxy.ConfigHash
			pid := p.mainPID(p.a, proxy.unit)
			p.mark()

			renew("2")
			p.serves("certificate 2")
			p.wantJournal(p.a, live, "reloaded (proxy-config-reloaded)")
			if s := p.await(p.a, "reloaded", func(s daemon.Status) bool { return s.Proxy.Config.State == "reloaded" }); s.Proxy.ConfigHash != hash {
				t.Error("another certificate, and the hash of the configuration is another one")
			}
			p.a.Write(t, archive+"both2.pem", "broken", 0o600)
			p.a.Write(t, archive+"fullchain2.pem", "broken", 0o600)
			p.config("bad")
			p.serves("certificate 2")
			p.undisturbed(pid)
		})
	}
}
