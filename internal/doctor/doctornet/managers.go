package doctornet

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
)

// networkd reads what systemd-networkd keeps of a link in /run.
func (r *reader) networkd(i doctor.Interface) {
	state := pairs(read(filepath.Join("/run/systemd/netif/links", strconv.Itoa(i.Index))))
	file := state["NETWORK_FILE"]
	if file == "" || state["ADMIN_STATE"] == "unmanaged" {
		return
	}
	m := doctor.Manager{Name: doctor.Networkd, Interface: i.Name, File: file}
	for _, text := range append([]string{read(file)}, dropIns(filepath.Base(file))...) {
		if v, ok := pairs(text)["KeepConfiguration"]; ok {
			m.Keeps = slices.Contains([]string{"yes", "true", "1", "on", "dhcp"}, v) // static keeps only what has no lifetime
		}
	}
	r.Managers = append(r.Managers, m)
}

// dropIns are the texts of the drop-ins of a network file, in their order: by name, of equal
// names that of /etc alone.
func dropIns(file string) (texts []string) {
	byName := map[string]string{}
	var names []string
	for _, dir := range []string{"/etc", "/run", "/usr/lib"} {
		paths, _ := filepath.Glob(dir + "/systemd/network/" + file + ".d/*.conf")
		for _, path := range paths {
			if name := filepath.Base(path); byName[name] == "" {
				byName[name] = path
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		texts = append(texts, read(byName[name]))
	}
	return texts
}

// networkManager reads what NetworkManager keeps of a device in /run.
func (r *reader) networkManager(i doctor.Interface) {
	file := filepath.Join("/run/NetworkManager/devices", strconv.Itoa(i.Index))
	if m := pairs(read(file))["managed"]; m == "true" || m == "1" {
		r.Managers = append(r.Managers, doctor.Manager{Name: doctor.NetworkManager, Interface: i.Name, File: file})
	}
}

// pairs are the lines KEY=VALUE of a text; of one key the last counts.
func pairs(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if key, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			found[strings.TrimSpace(key)] = strings.TrimSpace(v)
		}
	}
	return found
}
