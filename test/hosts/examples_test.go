package hosts

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// example is a file of examples: where it lies on a host, and what says nothing about it if
// nothing is wrong with it or odd; the checks run when all files of the folder are there.
type example struct{ file, to, check string }

const (
	nginxCheck   = "nginx -t -q"
	haproxyCheck = "haproxy -c -q -f /etc/haproxy/haproxy.cfg"
	// Both nodes take the same file.
	pairCheck = `for node in lb01 lb02; do pairkeeper check --node $node $file | grep -v ": good, this node is $node$"; done`
)

var examples = map[string][]example{
	"nginx-pair": {
		{"nginx.conf", "/etc/nginx/nginx.conf", nginxCheck},
		{"proxy_params", "/etc/nginx/proxy_params", ""},
		{"pairkeeper.yaml", "/etc/nginx/pairkeeper.yaml", pairCheck},
	},
	"haproxy-pair": {
		{"haproxy.cfg", "/etc/haproxy/haproxy.cfg", haproxyCheck},
		{"pairkeeper.yaml", "/etc/haproxy/pairkeeper.yaml", pairCheck},
	},
	"dual-master": {
		{"pairkeeper.yaml", "/etc/nginx/pairkeeper.yaml", pairCheck},
		{"pairkeeper-dual-stack.yaml", "/etc/nginx/pairkeeper.yaml", pairCheck},
	},
	"container": {
		{"nginx/nginx.conf", "/etc/nginx/nginx.conf", nginxCheck},
		{"nginx/proxy_params", "/etc/nginx/proxy_params", ""},
		{"nginx/pairkeeper.yaml", "/etc/nginx/pairkeeper.yaml", pairCheck},
		{"Containerfile", "", ""}, // test/container runs it
		{"compose.yaml", "", ""},  // and as this one says
	},
	"lvs-dr": { // test/vm runs both
		{"README.md", "", ""},
		{"pairkeeper.yaml", "/etc/pairkeeper/pairkeeper.yaml", pairCheck},
		{"real-server/60-lvs-real-server.conf", "", ""},
		{"real-server/lvs-vip", "", ""},
		{"real-server/nginx.conf", "/etc/nginx/nginx.conf", nginxCheck},
	},
	"lvs-nat": {
		{"README.md", "", ""},
		{"pairkeeper.yaml", "/etc/pairkeeper/pairkeeper.yaml", pairCheck},
		{"director/60-lvs-director.conf", "", ""},
		{"real-server/lvs-gateway", "", ""},
		{"real-server/nginx.conf", "/etc/nginx/nginx.conf", nginxCheck},
	},
}

const examplesFolder = "../../examples/"

func readExample(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(examplesFolder + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The proxies and pairkeeper take the examples as they are, without a warning.
func TestExamplesAreAcceptedWithoutAWarning(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	host := hostlab.New(t, "lb01").Host("lb01")
	host.Install(t, binary, "/usr/bin/pairkeeper")
	for folder, files := range examples {
		for _, f := range files {
			if f.to != "" {
				host.Write(t, f.to, readExample(t, folder+"/"+f.file), 0o644)
			}
		}
		for _, f := range files {
			if f.check == "" {
				continue
			}
			host.Write(t, f.to, readExample(t, folder+"/"+f.file), 0o644) // where two have one place
			out := host.Run(t, "sh", "-c", "file="+f.to+"\n{ "+f.check+"\n} 2>&1; true")
			if strings.TrimSpace(out) != "" {
				t.Errorf("%s/%s: %s", folder, f.file, out)
			}
		}
	}
}

func TestEveryFileOfTheExamplesIsTested(t *testing.T) {
	err := filepath.WalkDir(examplesFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		folder, file, _ := strings.Cut(strings.TrimPrefix(path, examplesFolder), "/")
		if !slices.ContainsFunc(examples[folder], func(e example) bool { return e.file == file }) {
			t.Errorf("no test of %s", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryExampleBeginsWithWhatItIsAndHowToTryIt(t *testing.T) {
	for folder, files := range examples {
		for _, f := range files {
			if f.file == "README.md" {
				continue // it is how to try the folder
			}
			var comment []string
			for line := range strings.Lines(readExample(t, folder+"/"+f.file)) {
				if !strings.HasPrefix(line, "#") {
					break
				}
				comment = append(comment, line)
			}
			if text := strings.Join(comment, ""); !strings.Contains(text, "Try it with:") {
				t.Errorf("%s/%s begins with %q", folder, f.file, text)
			}
		}
	}
}

func TestTheContainerHasTheParametersOfThePair(t *testing.T) {
	if readExample(t, "nginx-pair/proxy_params") != readExample(t, "container/nginx/proxy_params") {
		t.Error("proxy_params differ")
	}
}

// The same file works on both nodes only if it names neither of them nor what moves.
func TestTheProxiesExamplesDoNotNameTheVirtualAddress(t *testing.T) {
	for folder, files := range examples {
		for _, f := range files {
			if strings.HasSuffix(f.file, ".yaml") || strings.HasPrefix(folder, "lvs-") { // a real server is none of the nodes
				continue
			}
			for _, word := range []string{"10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "lb01", "lb02"} {
				if strings.Contains(readExample(t, folder+"/"+f.file), word) {
					t.Errorf("%s/%s names %s", folder, f.file, word)
				}
			}
		}
	}
}
