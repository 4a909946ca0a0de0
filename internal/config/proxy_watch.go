package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

var reloadWords = map[supervisor.ReloadPolicy]string{
	supervisor.ReloadManual: "manual", supervisor.ReloadAuto: "auto", supervisor.ReloadNever: "never",
}

// readWatch reads what is watched of the proxy's configuration, and what is done when it
// changes. What is guarded, and its test, have been read.
func (f fields) readWatch(p *supervisor.Proxy) {
	if v, ok := f.keys["watch"]; ok {
		p.Watch = v.absolutePaths()
	} else {
		p.Watch = defaultWatch(p)
	}
	if isProgram(&supervisor.Proxy{Command: p.Test}, "haproxy") && slices.Contains(p.Test, "-q") {
		f.keys["test"].warnf("-q keeps haproxy from saying what is wrong: leave it out")
	}
	v, ok := f.keys["reload"]
	if !ok {
		return
	}
	word, ok := v.one("auto", "manual", "never")
	if !ok {
		return
	}
	for policy, w := range reloadWords {
		if w == word {
			p.Reload = policy
		}
	}
	switch {
	case p.Reload == supervisor.ReloadAuto && len(p.Test) == 0:
		v.errorf("auto needs test:, such as [nginx, -t, -q]: nothing is reloaded that was not tested")
	case p.Reload == supervisor.ReloadAuto && len(p.Watch) == 0:
		v.warnf("auto does nothing, as no configuration is watched: write watch: [/etc/nginx]")
	}
}

// absolutePaths are files and directories.
func (v value) absolutePaths() []string {
	items, ok := v.list("a list of files and directories such as [/etc/nginx]")
	if !ok {
		return nil
	}
	var paths []string
	for _, item := range items {
		switch s, ok := item.text("a path such as /etc/nginx"); {
		case !ok:
		case !filepath.IsAbs(s) || !printable(s):
			item.errorf("%s is not an absolute path such as /etc/nginx", show(s))
		case filepath.Clean(s) == "/":
			item.errorf("/ is everything: write a path such as /etc/nginx")
		default:
			paths = append(paths, filepath.Clean(s))
		}
	}
	return paths
}

// defaultWatch is where the configuration of a proxy lies that is known: the folder of its
// package, or a file elsewhere that its command or its test names.
func defaultWatch(p *supervisor.Proxy) []string {
	for name, option := range map[string]string{"nginx": "-c", "haproxy": "-f"} {
		if !isProgram(p, name) {
			continue
		}
		dir := "/etc/" + name
		var paths []string
		for _, argv := range [][]string{p.Command, p.Test} {
			for i, arg := range argv[:max(len(argv)-1, 0)] {
				if file := filepath.Clean(argv[i+1]); arg == option && filepath.IsAbs(file) && file != dir && !strings.HasPrefix(file, dir+"/") {
					paths = append(paths, file)
				}
			}
		}
		if slices.Sort(paths); len(paths) > 0 {
			return slices.Compact(paths)
		}
		return []string{dir}
	}
	return nil
}

// isProgram tells that the proxy's unit or command is a program, or an instance of it.
func isProgram(p *supervisor.Proxy, name string) bool {
	if len(p.Command) > 0 {
		return filepath.Base(p.Command[0]) == name
	}
	unit := strings.TrimSuffix(p.Unit, ".service")
	return unit == name || strings.HasPrefix(unit, name+"@") || strings.HasPrefix(unit, name+"-")
}
