package certfiles

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestCertificatesThatAConfigurationNamesAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		path, text string
		want       []string
	}{
		"nginx": {"/etc/nginx/sites-enabled/site", `server {
    listen 443 ssl; # ssl_certificate /not/this.pem;
    ssl_certificate     "/etc/letsencrypt/live/example.com/fullchain.pem";
    ssl_certificate_key /etc/letsencrypt/live/example.com/privkey.pem;
	ssl_client_certificate ../ca.pem; ssl_trusted_certificate /etc/ssl/trusted.pem;
    # ssl_certificate /nor/this.pem;
}
`, []string{"/etc/letsencrypt/live/example.com/fullchain.pem", "/etc/letsencrypt/live/example.com/privkey.pem", "/etc/ssl/trusted.pem"}},
		"nginx with variables": {"/etc/nginx/nginx.conf", "ssl_certificate $ssl_server_name.crt;\nssl_certificate data:$cert;\nssl_certificate_key engine:pkcs11:x;\n", nil},
		"haproxy": {"/etc/haproxy/haproxy.cfg", `global
    ca-base /etc/ssl/certs
    crt-base /etc/ssl/private
frontend web
    bind :443 ssl crt site.pem crt /etc/haproxy/certs/ alpn h2,http/1.1 ca-file ca.pem verify required
    bind :444 ssl crt-list /etc/haproxy/list.txt
backend app
    server a 10.0.0.1:443 ssl ca-file @system-ca crt "client.pem"
`, []string{"/etc/ssl/private/site.pem", "/etc/haproxy/certs", "/etc/ssl/certs/ca.pem", "/etc/haproxy/list.txt", "/etc/ssl/private/client.pem"}},
		"a crt-list":        {"/etc/haproxy/list.txt", "/etc/ssl/a.pem [alpn h2] a.example\n# /etc/ssl/not.pem\n/etc/ssl/b.crt\nc.pem\n", []string{"/etc/ssl/a.pem", "/etc/ssl/b.crt"}},
		"none":              {"/etc/nginx/mime.types", "types { text/html html; }\n", nil},
		"a word at the end": {"/etc/nginx/nginx.conf", "ssl_certificate\n", nil},
		"nothing":           {"/etc/nginx/empty", "", nil},
	} {
		if got := Named(c.path, []byte(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
}

func FuzzNamed(f *testing.F) {
	f.Add("ssl_certificate /a.pem;\nbind :443 ssl crt b.pem # c\ncrt-base /d\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range Named("", []byte(text)) {
			if !filepath.IsAbs(path) {
				t.Errorf("%q names %q", text, path)
			}
		}
	})
}
