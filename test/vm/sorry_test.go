//go:build linux

package vm

import (
	"strings"
	"testing"
)

// A sorry server on the director itself answers while no real server does, and no longer.
func TestASorryServerOnTheDirectorAnswersWhileNoOtherDoes(t *testing.T) {
	s := newTranslatedSite(t)
	dir := s.directors[0]
	startNginxOn(t, dir, 81)
	d := &director{site: s, host: dir, dir: t.TempDir()}
	for given, kernels := range map[string]string{"127.0.0.1:81": vip + ":81", "192.0.2.11:81": "192.0.2.11:81"} {
		d.start(strings.Replace(translatedService, `"10.0.0.21:81"`, `"`+given+`"`, 1))
		d.has(second, "")
		s.await("a real server answers", func() bool { name, err := get(s.client, service); return err == nil && name != dir.Name })
		for i := range s.nginx {
			_ = s.nginx[i].Process.Kill()
			_ = s.nginx[i].Wait()
		}
		d.has(kernels, first)
		for range 2 {
			if name, err := get(s.client, service); err != nil || name != dir.Name {
				t.Errorf("with the sorry server %s: %q, %v", given, name, err)
			}
		}
		s.serve()
		d.has(second, kernels)
		d.has(first, kernels)
		if got := s.ask(4); !alternating(got) {
			t.Errorf("after the sorry server %s: round robin answered %v", given, got)
		}
		d.stop()
	}
}
