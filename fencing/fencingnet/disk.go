package fencingnet

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// DiskVoterConfig is a disk, or a file on one, that both nodes share. Both have the same
// key.
type DiskVoterConfig struct {
	Path       string
	Node, Peer string
	Keys       []fencing.Key // the first one signs
	Lease      time.Duration
}

// diskVoter asks a disk, on a thread of its own: a disk that hangs hangs that.
type diskVoter struct {
	answering
	cfg  DiskVoterConfig
	asks chan diskAsk
	done chan struct{}

	// Of the goroutine.
	file  *os.File // nil: not open
	mine  fencing.Slate
	watch fencing.Watch
	held  map[uint64]time.Time // until when a lease is ours
	block []byte               // a slate, where O_DIRECT wants it
}

type diskAsk struct {
	Ask
	at time.Time
}

// diskPatience is how long the end waits for a disk.
const diskPatience = time.Second

// OpenDiskVoter returns at once; the disk is opened when it is asked.
func OpenDiskVoter(cfg DiskVoterConfig) Voter {
	v := &diskVoter{
		cfg: cfg, asks: make(chan diskAsk, asksWaiting), done: make(chan struct{}),
		watch: fencing.Watch{}, held: map[uint64]time.Time{}, block: aligned(fencing.SlateSize),
	}
	go v.run()
	return v
}

// aligned is memory as O_DIRECT wants it: at a multiple of any sector's size.
func aligned(size int) []byte {
	const sector = 4096
	b := make([]byte, size+sector)
	off := 0
	if rest := int(uintptr(unsafe.Pointer(&b[0])) % sector); rest > 0 {
		off = sector - rest
	}
	return b[off : off+size : off+size]
}

func (v *diskVoter) Ask(q Ask) {
	select {
	case v.asks <- diskAsk{q, time.Now()}:
	default:
	}
}

func (v *diskVoter) Close() {
	v.closed.Store(true)
	close(v.asks)
	select {
	case <-v.done:
	case <-time.After(diskPatience): // the disk hangs, and the goroutine with it
	}
}

func (v *diskVoter) run() {
	defer close(v.done)
	for q := range v.asks {
		if time.Since(q.at) >= v.cfg.Lease && q.Call.Kind != fencing.CallReturn {
			continue // the disk hung; nobody waits for this any more
		}
		verdict, owner, err := v.decide(q.Lease, q.Call.Kind)
		switch {
		case errors.Is(err, errUndecided):
		case err != nil:
			v.leave()
			v.tell(q.Ask, fencing.Cast{Verdict: fencing.VerdictFailed, Problem: err.Error()})
		default:
			v.tell(q.Ask, fencing.Cast{Verdict: verdict, Owner: owner})
		}
	}
	v.leave()
}

// errUndecided tells that both want the lease at this moment.
var errUndecided = errors.New("both want it")

// decide does what is asked for.
func (v *diskVoter) decide(lease string, kind fencing.CallKind) (fencing.Verdict, string, error) {
	if err := v.open(); err != nil {
		return 0, "", err
	}
	key, began := fencing.LeaseKey(lease), time.Now()
	free, err := v.free(key)
	switch {
	case err != nil:
		return 0, "", err
	case kind == fencing.CallClaim:
		return v.claim(key, began, free)
	case kind == fencing.CallReturn && v.mine.Flag(key).Up:
		delete(v.held, key)
		if err := v.put(key, false); err != nil {
			return 0, "", err
		}
	}
	verdict, owner := v.verdict(key, free)
	return verdict, owner, nil
}

// claim raises the flag, or raises it anew, and then looks whether the other node's is up.
// Who holds the lease goes on when it has to try again, as long as it lasts; who does not
// lowers its flag.
func (v *diskVoter) claim(key uint64, began time.Time, free bool) (fencing.Verdict, string, error) {
	holds := began.Before(v.held[key])
	if free {
		err := v.put(key, true)
		if err == nil {
			free, err = v.free(key)
		}
		if err != nil {
			return 0, "", err
		}
	}
	switch {
	case free:
		v.held[key] = began.Add(v.cfg.Lease)
		return fencing.VerdictGranted, v.cfg.Node, nil
	case holds:
		return 0, "", errUndecided
	case v.mine.Flag(key).Up:
		if err := v.put(key, false); err != nil {
			return 0, "", err
		}
	}
	return fencing.VerdictRefused, v.cfg.Peer, nil
}

func (v *diskVoter) verdict(key uint64, free bool) (fencing.Verdict, string) {
	switch {
	case time.Now().Before(v.held[key]):
		return fencing.VerdictGranted, v.cfg.Node
	case free:
		return fencing.VerdictFree, ""
	}
	return fencing.VerdictRefused, v.cfg.Peer
}

// free tells whether the other node's flag lets this one have the lease.
func (v *diskVoter) free(key uint64) (bool, error) {
	other, err := v.read(v.cfg.Peer)
	if err != nil {
		return false, err
	}
	return v.watch.Free(time.Now(), other.Flag(key), v.cfg.Lease), nil
}

// open opens the disk and finds what this node wrote last.
func (v *diskVoter) open() error {
	if v.file != nil {
		return nil
	}
	f, err := openDisk(v.cfg.Path)
	if err != nil {
		return err
	}
	v.file = f
	if v.mine, err = v.read(v.cfg.Node); err != nil {
		return err
	}
	v.mine.Node = v.cfg.Node
	return nil
}

// openDisk bypasses the caches where the file system can: another host writes there.
func openDisk(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT|os.O_SYNC|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EINVAL) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_SYNC|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, err
	}
	if size, err := f.Seek(0, 2); err != nil || size < 2*fencing.SlateSize {
		_ = f.Close()
		return nil, fmt.Errorf("%s has %d bytes, %d are needed: truncate -s 1M %s", path, size, 2*fencing.SlateSize, path)
	}
	return f, nil
}

// leave closes the disk, which is opened again when it is asked; it may be another by then.
func (v *diskVoter) leave() {
	if v.file != nil {
		_ = v.file.Close()
		v.file = nil
	}
}

// offset is where a node's slate is: that of the first by name comes first.
func (v *diskVoter) offset(node string) int64 {
	if node == min(v.cfg.Node, v.cfg.Peer) {
		return 0
	}
	return fencing.SlateSize
}

// A slate that is being written may be read half.
const (
	readTries = 4
	readAgain = 5 * time.Millisecond
)

func (v *diskVoter) read(node string) (s fencing.Slate, err error) {
	for try := range readTries {
		if try > 0 {
			time.Sleep(readAgain)
		}
		if _, err = v.file.ReadAt(v.block, v.offset(node)); err != nil {
			return s, err
		}
		switch r := s.Parse(v.block, v.cfg.Keys); {
		case r == "" && (s.Node == "" || s.Node == node):
			return s, nil
		case r == "":
			return s, fmt.Errorf("%s is that of another pair: %s wrote it", v.cfg.Path, s.Node)
		case r == fencing.RefusalMAC:
			err = fmt.Errorf("%s is signed with another key: both nodes need the same, each pair a disk of its own", v.cfg.Path)
		default:
			err = fmt.Errorf("%s holds something else: take an empty file or partition, truncate -s 1M %s makes one", v.cfg.Path, v.cfg.Path)
		}
	}
	return s, err
}

// put raises or lowers a flag.
func (v *diskVoter) put(key uint64, up bool) error {
	v.mine.Set(key, up)
	v.mine.Writes++
	b, err := v.mine.Append(v.block[:0], v.cfg.Keys[0])
	if err != nil {
		return err
	}
	const sector = 4096
	size := (len(b) + sector - 1) / sector * sector
	clear(v.block[len(b):size])
	_, err = v.file.WriteAt(v.block[:size], v.offset(v.cfg.Node))
	return err
}
