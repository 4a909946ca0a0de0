//go:build linux

package vmlab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CacheVariable is the environment variable that names another folder for the cache.
const CacheVariable = "PAIRKEEPER_VM_CACHE"

// unused is after how long a base that nobody has used is removed.
const unused = 30 * 24 * time.Hour

// cache keeps bases, each in a folder named by its key, which tells what it was made from.
// One process at a time makes or checks one; a base is complete or not there.
type cache struct {
	dir string
	// make makes the files of a base in a folder, and says what they come from.
	make func(dir string) (origin string, err error)
	log  io.Writer
}

// manifest says what a base consists of.
type manifest struct {
	Origin string            // the package of the kernel
	Files  map[string]string // SHA-256 by name
}

const manifestName = "manifest.json"

// cacheDir is where bases are kept.
func cacheDir() (string, error) {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the virtual machine's kernel (set %s): %w", CacheVariable, err)
	}
	return filepath.Join(dir, "pairkeeper-vm"), nil
}

// baseKey tells what a base would be made from on this host now. The kernel's version is
// not part of it: a new one is taken along with the next change, or when the cache has
// been removed.
func baseKey() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, recipe, kernelPackage, modules)
	for _, program := range []string{"busybox", "dash"} {
		path, err := find(program)
		if err != nil {
			return "", err
		}
		sum, err := sumOf(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, path, sum)
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h, "%s", release)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// get is the folder of the base with this key, which is made if it is not there or broken.
func (c *cache) get(key string) (string, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := c.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	dir := filepath.Join(c.dir, key)
	problem := check(dir)
	if problem == nil {
		now := time.Now()
		return dir, os.Chtimes(dir, now, now)
	}
	if errors.Is(problem, os.ErrNotExist) {
		fmt.Fprintf(c.log, "vmlab: preparing the virtual machine, once, in %s\n", dir)
	} else {
		fmt.Fprintf(c.log, "vmlab: preparing the virtual machine again: %v\n", problem)
	}
	c.sweep()
	return dir, c.build(dir)
}

// lock waits until no other process works on the cache. The lock ends with the process.
func (c *cache) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, os.NewSyscallError("flock "+f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// build makes a base beside its place and moves it there. It is called under the lock.
func (c *cache) build(dir string) error {
	tmp, err := os.MkdirTemp(c.dir, unfinished)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	origin, err := c.make(tmp)
	if err != nil {
		return fmt.Errorf("preparing the virtual machine: %w", err)
	}
	if err := writeManifest(tmp, origin); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// unfinished is how the folder of a base begins that is being made.
const unfinished = "unfinished-"

// sweep removes what a killed process left, and what nobody has used for long. It is
// called under the lock.
func (c *cache) sweep() {
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() {
			continue
		}
		if strings.HasPrefix(e.Name(), unfinished) || time.Since(info.ModTime()) > unused {
			os.RemoveAll(filepath.Join(c.dir, e.Name()))
		}
	}
}

func writeManifest(dir, origin string) error {
	m := manifest{Origin: origin, Files: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if m.Files[e.Name()], err = sumOf(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), append(b, '\n'), 0o644)
}

// check compares a base with its manifest.
func check(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	if len(m.Files) == 0 {
		return fmt.Errorf("%s names no file", filepath.Join(dir, manifestName))
	}
	for name, sum := range m.Files {
		path := filepath.Join(dir, name)
		got, err := sumOf(path)
		if err != nil {
			return fmt.Errorf("a file is gone: %s", path)
		}
		if got != sum {
			return fmt.Errorf("%s is not what was made", path)
		}
	}
	return nil
}

// sumOf is a file's SHA-256.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
