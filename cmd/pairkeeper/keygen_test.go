package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestKeygenMakesAKeyAndOverwritesNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pair.key")
	if code := run([]string{"keygen", path}); code != 0 {
		t.Fatalf("exit %d", code)
	}
	key, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`^hex:[0-9a-f]{64}\n$`).Match(key) {
		t.Fatalf("%q, %v", key, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if code := run([]string{"keygen", path}); code != exitConfig {
		t.Errorf("exit %d where a key is, want %d", code, exitConfig)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(key) {
		t.Error("the key was overwritten")
	}
}
