package interop

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/probes/probesnet"
)

// TestGenhashsDigestIsTaken: what keepalived's genhash prints of a page is what digest: wants.
func TestGenhashsDigestIsTaken(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>" + r.URL.Path + "</html>\n")) }))
	t.Cleanup(s.Close)
	host, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	out, err := exec.Command("genhash", "-s", host, "-p", port, "-u", "/").Output()
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Fields(string(out))
	check := probes.HTTP{URL: s.URL + "/", Digest: printed[len(printed)-1]}
	look := func() probesnet.Result {
		results := make(chan probesnet.Result, 1)
		r := probesnet.Run(t.Context(), []probes.Config{{Check: check, Interval: time.Hour, Timeout: 30 * time.Second}}, func(_ int, r probesnet.Result) { results <- r })
		defer r.Close()
		return <-results
	}
	if r := look(); !r.OK {
		t.Errorf("%s: %s", out, r.Detail)
	}
	check.URL += "other"
	if r := look(); r.OK || !strings.Contains(r.Detail, "the body has the digest ") {
		t.Errorf("another page: %+v", r)
	}
}
