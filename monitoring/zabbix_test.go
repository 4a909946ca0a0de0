package monitoring_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// template is what a test needs of a template of Zabbix.
type template struct {
	Template string
	Items    []item
	Rules    []rule `yaml:"discovery_rules"`
	Macros   []struct{ Macro, Value string }
}

type item struct {
	UUID, Name, Type, Key, URL string
	Preprocessing              []step
	Master                     struct{ Key string } `yaml:"master_item"`
	Triggers                   []trigger
	Prototypes                 []trigger `yaml:"trigger_prototypes"`
}

type step struct {
	Type       string
	Parameters []string
}

type trigger struct{ UUID, Expression, Name, Priority string }

type rule struct {
	UUID, Name, Type, Key string
	Items                 []item `yaml:"item_prototypes"`
	Preprocessing         []step
	Master                struct{ Key string } `yaml:"master_item"`
	Macros                []struct {
		Macro string `yaml:"lld_macro"`
		Path  string
	} `yaml:"lld_macro_paths"`
}

func readTemplate(t *testing.T) template {
	t.Helper()
	var file struct {
		Export struct {
			Version   string
			Templates []template
		} `yaml:"zabbix_export"`
	}
	if err := yaml.Unmarshal(read(t, "zabbix.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	if file.Export.Version != "6.0" || len(file.Export.Templates) != 1 {
		t.Fatalf("version %s, %d templates", file.Export.Version, len(file.Export.Templates))
	}
	return file.Export.Templates[0]
}

var (
	uuid4    = regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`)
	itemKey  = regexp.MustCompile(`/Pairkeeper by HTTP/([a-z.]+(\[[^]]*\])?)`)
	lldMacro = regexp.MustCompile(`\{#[A-Z]+\}`)
	ofLabel  = regexp.MustCompile(`^\$\.labels\['([a-z_]+)'\]$`)
)

func TestTheZabbixTemplateIsWhole(t *testing.T) {
	z := readTemplate(t)
	uuids, keys := map[string]bool{}, map[string]bool{}
	unique := func(id string) {
		t.Helper()
		if uuids[id] || !uuid4.MatchString(id) {
			t.Errorf("%q is no UUID of its own", id)
		}
		uuids[id] = true
	}
	check := func(list []item, macros string) {
		t.Helper()
		for _, i := range list {
			unique(i.UUID)
			if keys[i.Key] {
				t.Errorf("two items have the key %s", i.Key)
			}
			keys[i.Key] = true
			if i.Type != "HTTP_AGENT" && i.Master.Key != "pairkeeper.metrics" {
				t.Errorf("%s depends on %q", i.Key, i.Master.Key)
			}
			for _, m := range lldMacro.FindAllString(fmt.Sprint(i), -1) {
				if !strings.Contains(macros, m) {
					t.Errorf("%s: nothing is discovered as %s", i.Key, m)
				}
			}
			for _, tr := range append(i.Triggers, i.Prototypes...) {
				unique(tr.UUID)
				for _, m := range itemKey.FindAllStringSubmatch(tr.Expression, -1) {
					if m[1] != i.Key {
						t.Errorf("the trigger %s is about %s, and stands at %s", tr.Name, m[1], i.Key)
					}
				}
				if !strings.Contains(tr.Expression, "/"+z.Template+"/") {
					t.Errorf("the trigger %s is of no item: %s", tr.Name, tr.Expression)
				}
			}
		}
	}
	check(z.Items, "")
	for _, r := range z.Rules {
		unique(r.UUID)
		macros := ""
		for _, m := range r.Macros {
			macros += m.Macro
		}
		check(r.Items, macros)
	}
	if len(keys) < 15 {
		t.Errorf("only %d items were found", len(keys))
	}
}

// zabbixFinds wants each of the template's patterns to find one sample of each node, and of each thing
// that is discovered. A pattern is a selector of Prometheus, too.
func (s *site) zabbixFinds() {
	s.Helper()
	z := readTemplate(s.T)
	for _, i := range z.Items {
		s.findsOne(i, "")
	}
	for _, r := range z.Rules {
		by := ""
		for _, m := range r.Macros {
			label := ofLabel.FindStringSubmatch(m.Path)
			if label == nil {
				s.Fatalf("%s: %s is no label", r.Key, m.Path)
			}
			by += ", " + label[1]
		}
		family := r.Preprocessing[0].Parameters[0]
		s.findsSome(fmt.Sprintf("count by (instance%s) (%s)", by, family))
		for _, i := range r.Items {
			s.findsOne(i, by)
		}
	}
}

func (s *site) findsOne(i item, by string) {
	s.Helper()
	if len(i.Preprocessing) == 0 {
		return
	}
	pattern := i.Preprocessing[0].Parameters[0]
	// What is discovered goes into the grouping instead.
	selector := regexp.MustCompile(`[a-z]+="\{#[A-Z]+\}",?`).ReplaceAllString(pattern, "")
	one := fmt.Sprintf("count by (instance%s) (%s)", by, selector)
	s.findsSome(one + " == 1")
	s.has(one+" != 1", 0)
}

func (s *site) findsSome(expr string) {
	s.Helper()
	s.until(expr, func() (bool, string) {
		n, err := s.query(expr)
		return err == nil && n >= 2, fmt.Sprint(n, " series, ", err)
	})
}
