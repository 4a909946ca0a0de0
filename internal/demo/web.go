package demo

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// webConf is the configuration of the built-in web server.
type webConf struct{ listen, answer string }

// Web is the proxy where no nginx is installed: a web server that answers one word.
// With test it only looks whether its configuration is good.
func Web(path string, test bool) error {
	conf, err := loadWeb(path)
	if err != nil || test {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, conf.answer+"\n") // the client is gone: nobody to tell
	})
	server := &http.Server{Addr: conf.listen, Handler: mux, ReadHeaderTimeout: time.Second}
	return server.ListenAndServe()
}

func loadWeb(path string) (webConf, error) {
	var c webConf
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		directive, value, _ := strings.Cut(line, " ")
		switch directive {
		case "listen":
			c.listen = value
		case "answer":
			c.answer = value
		default:
			return c, fmt.Errorf("%s:%d: unknown directive %q", path, i+1, directive)
		}
	}
	return c, nil
}
