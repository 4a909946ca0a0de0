package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHostFindsItself(t *testing.T) {
	const pair = "nodes:\n  lb01: {address: 10.0.0.5, priority: 150}\n  lb02.example.com: {address: 10.0.0.6, priority: 100}\nproxy: {unit: nginx.service}\n"
	const short = "nodes:\n  lb.a: {address: 10.0.0.5, priority: 150}\n  lb.b: {address: 10.0.0.6, priority: 100}\nproxy: {unit: nginx.service}\n"
	one, two := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.0.6")
	for name, tt := range map[string]struct {
		file, asked string
		host        host
		want        string // the node, or the error
		warning     string
	}{
		"the one asked for":             {file: pair, asked: "lb01", host: host{name: "lb02"}, want: "lb01"},
		"an unknown one asked for":      {file: pair, asked: "lb1", want: "lb1 is not one of lb01, lb02.example.com: did you mean lb01?"},
		"node: in the file":             {file: "node: lb01\n" + pair, host: host{name: "lb02"}, want: "lb01"},
		"its name":                      {file: pair, host: host{name: "lb01"}, want: "lb01"},
		"its name in capitals":          {file: pair, host: host{name: "LB01"}, want: "lb01"},
		"its full name":                 {file: pair, host: host{name: "lb01.example.com"}, want: "lb01"},
		"its short name":                {file: pair, host: host{name: "lb02"}, want: "lb02.example.com"},
		"another domain":                {file: pair, host: host{name: "lb02.example.org"}, want: "has no address of"},
		"a short name of both":          {file: short, host: host{name: "lb"}, want: "has no address of lb.a or lb.b"},
		"a full name where short clash": {file: short, host: host{name: "lb.b"}, want: "lb.b"},
		"its address":                   {file: pair, host: host{name: "www", addresses: []netip.Addr{two}}, want: "lb02.example.com"},
		"both addresses":                {file: pair, host: host{name: "www", addresses: []netip.Addr{one, two}}, want: "has the addresses of both"},
		"nothing":                       {file: pair, host: host{name: "www"}, want: "this host is called www and has no address of lb01 or lb02.example.com"},
		"one's name, another's address": {file: pair, host: host{name: "lb01", addresses: []netip.Addr{two}}, want: "lb01", warning: "has the address of lb02.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			got, warnings, err := parse(t, []byte(tt.file)).self(tt.asked, tt.host)
			switch {
			case err == nil && got != tt.want:
				t.Errorf("is %q, want %q", got, tt.want)
			case err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("says %q, want %q", err, tt.want)
			}
			if (len(warnings) > 0) != (tt.warning != "") || len(warnings) > 0 && !strings.Contains(warnings[0].Text, tt.warning) {
				t.Errorf("warns %v, want %q", warnings, tt.warning)
			}
		})
	}
}

func TestThisHostHasItsNameAndAddresses(t *testing.T) {
	var lo bool
	for _, a := range thisHost().addresses {
		lo = lo || a.IsLoopback()
	}
	name, err := os.Hostname()
	if h := thisHost(); err != nil || h.name != name || !lo {
		t.Errorf("got %+v, want the name %q and a loopback address", h, name)
	}
}

func TestLoadSaysWhatIsWrongWithTheFile(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "none.yaml: there is no such file",
		dir:                             ": is a directory",
		big:                             "big.yaml:1: has more than 4194304 bytes, no configuration is that long",
	} {
		if _, err := Load(path, ""); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want …%s", path, err, want)
		}
	}
}

func TestPasswordFile(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want string // the error, or empty: the password is "1111"
	}{
		"a line":               {text: "1111\n", mode: 0o600},
		"no end of line":       {text: "1111", mode: 0o640},
		"readable by everyone": {text: "1111\n", mode: 0o644, want: "can be read by anybody (mode 0644): chmod 0640 "},
		"too long":             {text: "123456789\n", mode: 0o600, want: "has 9 bytes, an advert has room for 8"},
		"empty":                {text: "\n", mode: 0o600, want: "is empty"},
		"two lines":            {text: "11\n11\n", mode: 0o600, want: "has more than one line"},
		"none":                 {want: "cannot be read: there is no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			secret, path := filepath.Join(dir, "vrrp.pass"), filepath.Join(dir, "pairkeeper.yaml")
			if tt.mode != 0 {
				write(t, secret, tt.text, tt.mode)
			}
			text := string(read(t, "testdata/valid-password.yaml"))
			write(t, path, strings.Replace(text, `password: "1111"`, `password_file: "`+secret+`"`, 1), 0o600)
			f, err := Load(path, "lb01")
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want == "" && string(f.Config.Routers[0].Format.Auth.Key) != "1111":
				t.Errorf("the password is %q, want 1111", f.Config.Routers[0].Format.Auth.Key)
			case tt.want == "" && strings.Contains(inFull(t, f.Document), "1111"):
				t.Errorf("prints the password:\n%s", inFull(t, f.Document))
			case tt.want != "":
				want := path + ":9: virtual_routers[0].auth.password_file: " + secret + " " + tt.want
				if err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
}

func TestUnreadPasswordFileIsNoEmptyPassword(t *testing.T) {
	text := strings.Replace(string(read(t, "testdata/valid-password.yaml")), `password: "1111"`, "password_file: /x", 1)
	d := parse(t, []byte(text))
	if _, err := d.For("lb01"); err == nil || !strings.Contains(err.Error(), ":9: virtual_routers[0].auth.password_file: /x has not been read") {
		t.Errorf("got %v, want a refusal", err)
	}
	sameFile := parse(t, []byte(inFull(t, d)))
	if got := sameFile.routers[0].secrets[0].file; got != "/x" {
		t.Errorf("after printing the file is %q, want /x", got)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
