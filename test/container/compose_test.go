package container

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/internal/config"
)

const example = "../../examples/container/"

// compose is what compose.yaml has; an unknown key is an error.
type compose struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Image       string   `yaml:"image"`
	NetworkMode string   `yaml:"network_mode"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	ReadOnly    bool     `yaml:"read_only"`
	Tmpfs       []string `yaml:"tmpfs"`
	Volumes     []string `yaml:"volumes"`
	HealthCheck struct {
		Test        []string      `yaml:"test"`
		Interval    time.Duration `yaml:"interval"`
		Timeout     time.Duration `yaml:"timeout"`
		StartPeriod time.Duration `yaml:"start_period"`
		Retries     int           `yaml:"retries"`
	} `yaml:"healthcheck"`
	Restart         string        `yaml:"restart"`
	StopGracePeriod time.Duration `yaml:"stop_grace_period"`
	Logging         struct {
		Options map[string]string `yaml:"options"`
	} `yaml:"logging"`
}

func readCompose(t *testing.T) service {
	t.Helper()
	f, err := os.Open(example + "compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	var c compose
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Services["proxy"]; !ok || len(c.Services) != 1 {
		t.Fatalf("the services are %v", c.Services)
	}
	return c.Services["proxy"]
}

// instruction is the JSON list of a line of the Containerfile, the last one of its kind.
func instruction(t *testing.T, name string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(example + "Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			list = nil
			if err := json.Unmarshal([]byte(rest), &list); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	if list == nil {
		t.Fatalf("the Containerfile has no %s", name)
	}
	return list
}

// exampleSpec is the container of the example, with folders of the test as its volumes.
func exampleSpec(t *testing.T) *spec {
	t.Helper()
	s := readCompose(t)
	c := &spec{
		Argv:  append(instruction(t, "ENTRYPOINT"), instruction(t, "CMD")...),
		Tmpfs: s.Tmpfs, ReadOnly: s.ReadOnly, Capabilities: s.CapAdd, Volumes: map[string]volume{},
	}
	for _, v := range s.Volumes {
		part := strings.Split(v, ":")
		from := t.TempDir()
		if strings.HasPrefix(part[0], "./") {
			if err := os.CopyFS(from, os.DirFS(example+part[0])); err != nil {
				t.Fatal(err)
			}
		}
		c.Volumes[part[1]] = volume{From: from, ReadOnly: slices.Contains(part[2:], "ro")}
	}
	return c
}

func TestTheComposeFileIsThatOfARouter(t *testing.T) {
	s := readCompose(t)
	for what, ok := range map[string]bool{
		"the host's network":              s.NetworkMode == "host",
		"no capability but those named":   slices.Equal(s.CapDrop, []string{"ALL"}),
		"those that pairkeeper needs":     slices.Contains(s.CapAdd, "NET_ADMIN") && slices.Contains(s.CapAdd, "NET_RAW") && slices.Contains(s.CapAdd, "SYS_NICE"),
		"no new privileges":               slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}),
		"read-only":                       s.ReadOnly,
		"room for the control socket":     slices.Contains(s.Tmpfs, "/run"),
		"it comes back":                   s.Restart == "unless-stopped",
		"the health check is status":      slices.Equal(s.HealthCheck.Test, append(append([]string{"CMD"}, instruction(t, "ENTRYPOINT")...), "status", "--check")),
		"the health check has its limits": s.HealthCheck.Timeout > 0 && s.HealthCheck.Timeout <= s.HealthCheck.Interval && s.HealthCheck.Retries > 0 && s.HealthCheck.StartPeriod > 0,
		"it is built from the sources":    exists(filepath.Join(example, s.Build.Context, "go.mod")) && exists(filepath.Join(example, s.Build.Context, s.Build.Dockerfile)),
		"an image is named":               s.Image != "",
		"the log has an end":              s.Logging.Options["max-size"] != "" && s.Logging.Options["max-file"] != "",
	} {
		if !ok {
			t.Errorf("not in compose.yaml: %s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A proxy that is slow to finish is ended by pairkeeper, not by the engine.
func TestTheGracePeriodIsLongerThanAnOrderlyStop(t *testing.T) {
	f, err := config.Load(example+"nginx/pairkeeper.yaml", "lb01")
	if err != nil {
		t.Fatal(err)
	}
	const besides = 9 * time.Second // the addresses' 6 s and 3 s between SIGTERM and SIGKILL, at the most
	if s := readCompose(t); s.StopGracePeriod <= f.Config.Proxy.StopTimeout+besides {
		t.Errorf("stop_grace_period is %s, stop_timeout %s", s.StopGracePeriod, f.Config.Proxy.StopTimeout)
	}
	if len(f.Warnings) > 0 {
		t.Error(f.Warnings)
	}
}

// What the image copies is there, and goes where the volume is mounted and the program runs.
func TestTheContainerfileCopiesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile(example + "Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	copies := 0
	for line := range strings.Lines(string(text)) {
		word := strings.Fields(line)
		if len(word) < 3 || word[0] != "COPY" {
			continue
		}
		copies++
		if from, ok := strings.CutPrefix(word[1], "--from="); ok {
			if from != "build" || word[2] != "/pairkeeper" || word[3] != instruction(t, "ENTRYPOINT")[0] {
				t.Error(line)
			}
			continue
		}
		for _, from := range word[1 : len(word)-1] {
			if !exists("../../" + from) {
				t.Errorf("%s: there is no %s", line, from)
			}
		}
	}
	if copies != 4 {
		t.Errorf("%d files are copied", copies)
	}
}
