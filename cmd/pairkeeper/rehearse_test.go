package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rehearseText runs pairkeeper rehearse in this process.
func rehearseText(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var text bytes.Buffer
	root := newRoot()
	root.SetOut(&text)
	root.SetArgs(append([]string{"rehearse"}, args...))
	if err := root.Execute(); err != nil {
		f, ok := errors.AsType[failure](err)
		if !ok {
			return err.Error(), exitUsage
		}
		return text.String() + err.Error() + "\n", f.code
	}
	return text.String(), 0
}

// TestRehearsalsOfTheExamples prints what would happen to each pair of examples/, and to one
// with a heartbeat: the files are what docs and the README show.
func TestRehearsalsOfTheExamples(t *testing.T) {
	for golden, file := range map[string]string{
		"nginx-pair":   "../../examples/nginx-pair/pairkeeper.yaml",
		"haproxy-pair": "../../examples/haproxy-pair/pairkeeper.yaml",
		"dual-master":  "../../examples/dual-master/pairkeeper.yaml",
		"dual-stack":   "../../examples/dual-master/pairkeeper-dual-stack.yaml",
		"lvs-nat":      "../../examples/lvs-nat/pairkeeper.yaml",
		"heartbeat":    "testdata/rehearse-heartbeat.yaml",
		"tracks":       "testdata/rehearse-tracks.yaml",
	} {
		t.Run(golden, func(t *testing.T) {
			got, _ := rehearseText(t, file)
			path := filepath.Join("testdata", "rehearse-"+golden+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRehearseExitsWithOneWhenThePairCouldDoBetter, and with 0 otherwise.
func TestRehearseExitsWithOneWhenThePairCouldDoBetter(t *testing.T) {
	for _, c := range []struct {
		file, fault string
		code        int
	}{
		{"../../examples/nginx-pair/pairkeeper.yaml", "nginx@lb01", 0},
		{"../../examples/nginx-pair/pairkeeper.yaml", "nginx@both", 0},
		{"../../examples/nginx-pair/pairkeeper.yaml", "vrrp@both", exitRehearsal},
		{"testdata/rehearse-heartbeat.yaml", "vrrp@both", 0},
		{"testdata/rehearse-heartbeat.yaml", "between", 0},
		{"testdata/rehearse-tracks.yaml", "probe-uplink@lb01", 0},
		{"testdata/rehearse-tracks.yaml", "eth1@lb01", 0},
		{"testdata/rehearse-tracks.yaml", "probe-disk@lb01", 0},
		{"../../examples/nginx-pair/pairkeeper.yaml", "nginx@lb03", exitUsage},
		{"testdata/none.yaml", "nginx@lb01", exitConfig},
	} {
		if out, code := rehearseText(t, "--fault", c.fault, c.file); code != c.code {
			t.Errorf("%s %s: exit status %d, want %d\n%s", c.file, c.fault, code, c.code, out)
		}
	}
}

// TestARehearsalIsTheSameEachTime, also as JSON.
func TestARehearsalIsTheSameEachTime(t *testing.T) {
	args := []string{"--json", "--fault", "power@lb01,nginx@both", "testdata/rehearse-heartbeat.yaml"}
	first, code := rehearseText(t, args...)
	second, _ := rehearseText(t, args...)
	if first != second || code != 0 {
		t.Errorf("exit status %d\n%s", code, cmp.Diff(first, second))
	}
	var r rehearsal
	if err := json.Unmarshal([]byte(first), &r); err != nil || r.Schema != 1 || len(r.Faults) != 2 {
		t.Fatalf("%v, %+v", err, r)
	}
	tracks, _ := rehearseText(t, "--json", "--fault", "probe-uplink@lb01", "testdata/rehearse-tracks.yaml")
	if !strings.Contains(tracks, `"verdict": "stays"`) {
		t.Errorf("the penalty is too little, and nothing says so: %s", tracks)
	}
	power := r.Faults[0].Services[0]
	if power.Before != "lb01" || power.After != "lb02" || power.Finally != "lb01" || power.None < 0.1 || power.None > 0.7 || power.Two != 0 {
		t.Errorf("%+v", power)
	}
	if both := r.Faults[1].Services[0]; both.After != "" || !both.Lasts || both.Verdict != "no-node" {
		t.Errorf("%+v", both)
	}
}
