//go:build linux

package vmlab

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counting is a cache whose bases are two small files, and counts how many it made.
func counting(t *testing.T) (*cache, *atomic.Int32) {
	t.Helper()
	made := &atomic.Int32{}
	return &cache{dir: t.TempDir(), log: io.Discard, make: func(dir string) (string, error) {
		made.Add(1)
		for _, name := range []string{"vmlinux", "base.cpio"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
				return "", err
			}
			time.Sleep(10 * time.Millisecond) // so that a half is there for a while
		}
		return "linux-image_1.deb", nil
	}}, made
}

func TestManyAtOnceMakeOneBase(t *testing.T) {
	c, made := counting(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, err := c.get("key")
			if err == nil {
				err = check(dir)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("%d bases were made", made.Load())
	}
}

func TestABrokenBaseIsMadeAgain(t *testing.T) {
	for what, spoil := range map[string]func(dir string) error{
		"changed":           func(dir string) error { return os.WriteFile(filepath.Join(dir, "vmlinux"), []byte("vmlinuz"), 0o644) },
		"cut short":         func(dir string) error { return os.Truncate(filepath.Join(dir, "base.cpio"), 3) },
		"gone":              func(dir string) error { return os.Remove(filepath.Join(dir, "base.cpio")) },
		"no manifest":       func(dir string) error { return os.Remove(filepath.Join(dir, manifestName)) },
		"half a manifest":   func(dir string) error { return os.Truncate(filepath.Join(dir, manifestName), 20) },
		"an empty manifest": func(dir string) error { return os.WriteFile(filepath.Join(dir, manifestName), []byte("{}"), 0o644) },
	} {
		t.Run(what, func(t *testing.T) {
			c, made := counting(t)
			dir, err := c.get("key")
			if err != nil {
				t.Fatal(err)
			}
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if dir, err = c.get("key"); err != nil || made.Load() != 2 {
				t.Fatalf("made %d times, %v", made.Load(), err)
			}
			if err := check(dir); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnotherKeyIsAnotherBase(t *testing.T) {
	c, made := counting(t)
	for _, key := range []string{"one", "two", "one", "two"} {
		if _, err := c.get(key); err != nil {
			t.Fatal(err)
		}
	}
	if made.Load() != 2 {
		t.Errorf("made %d times", made.Load())
	}
}

func TestABaseThatCannotBeMadeLeavesNothing(t *testing.T) {
	c, _ := counting(t)
	c.make = func(dir string) (string, error) {
		return "", errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), errors.New("no network"))
	}
	if _, err := c.get("key"); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("error: %v", err)
	}
	if got := inCache(t, c); !slices.Equal(got, []string{"lock"}) {
		t.Errorf("in the cache: %v", got)
	}
}

func TestWhatAKilledProcessLeftAndWhatNobodyUsesIsSwept(t *testing.T) {
	c, _ := counting(t)
	for name, age := range map[string]time.Duration{unfinished + "1": 0, "old": unused + time.Hour, "used": unused - time.Hour} {
		dir := filepath.Join(c.dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.get("key"); err != nil {
		t.Fatal(err)
	}
	if got := inCache(t, c); !slices.Equal(got, []string{"key", "lock", "used"}) {
		t.Errorf("in the cache: %v", got)
	}
}

// inCache are the names in the cache's folder.
func inCache(t *testing.T, c *cache) []string {
	t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
