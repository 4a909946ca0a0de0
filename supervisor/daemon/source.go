package daemon

import (
	"context"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/internal/watch"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Source is a configuration as it was read.
type Source struct {
	Config   supervisor.Config
	Metrics  Metrics
	Page     string           // where the status page is served, as Metrics.Listen; empty: nowhere
	Files    []string         // what it was read from, absolute; none: changes are not watched for
	Recorder int64            // how many bytes the flight recorder keeps; 0: it is off
	Manual   bool             // changes are reported, but applied by Reload only
	Settings func() []Setting // all values, to say what changed; secrets are masked
}

// Setting is one value of a configuration.
type Setting struct{ Key, Value string }

// settings is empty where nobody tells them.
func (s *Source) settings() []Setting {
	if s.Settings == nil {
		return nil
	}
	return s.Settings()
}

// Reload reads the configuration file again and applies the difference; a bad file
// changes nothing. It says what changed.
func (d *Daemon) Reload() ([]string, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	return d.reload()
}

func (d *Daemon) reload() ([]string, error) {
	src, err := d.load()
	if err != nil {
		return nil, err
	}
	changed := difference(d.inUse, src)
	cfg := d.gates.fit(src.Config)
	apply := func() {
		d.hands.own = src.Files
		d.record(src.Recorder)
		d.loop.step(supervisor.Reconfigured{Config: cfg})
	}
	if !d.mail.ask(apply) {
		return nil, errStopping
	}
	d.placeOutlets(src)
	again := !slices.Equal(d.inUse.Files, src.Files)
	d.inUse = src
	d.noteConfig(func(c *ConfigStatus) {
		c.Problem, c.Pending = "", false
		if len(changed) > 0 {
			c.Loaded, c.Changed = time.Now(), changed
		}
	})
	for _, c := range changed {
		d.opts.Log.Info("configuration: "+c, logbook.As(logbook.ConfigApplied))
	}
	if again {
		d.watchFiles()
	}
	return changed, nil
}

// load reads the file; what is wrong with it is said.
func (d *Daemon) load() (Source, error) {
	src, err := d.opts.Load()
	src.Config.Heartbeat.Version = d.opts.Version
	debug.FreeOSMemory() // of reading it: else the loop's thread would be made to help
	if err != nil {
		d.noteConfig(func(c *ConfigStatus) { c.Problem = err.Error() })
		d.opts.Log.Error("the new configuration is refused, the last good one stays in force:\n"+err.Error(), logbook.As(logbook.ConfigRefused))
	}
	return src, err
}

func (d *Daemon) noteConfig(change func(*ConfigStatus)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.config)
}

// watchFiles watches the files that the configuration in use was read from.
func (d *Daemon) watchFiles() {
	d.stopFiles()
	ctx, cancel := context.WithCancel(context.Background())
	d.stopFiles = cancel
	if len(d.inUse.Files) == 0 {
		return
	}
	read := time.Now()
	first := true
	tell := func(c watch.Change) {
		if !first || c.Written.After(read) {
			d.fileChanged(ctx, c)
		}
		first = false
	}
	warn := func(text string) {
		d.opts.Log.Warn("pairkeeper's configuration: "+text, logbook.As(logbook.ConfigUnwatched))
	}
	cfg := watch.Config{Paths: d.inUse.Files}
	d.watches.Go(func() { watch.Run(ctx, cfg, tell, warn) })
}

// fileChanged applies a change of the file, or of one with its secrets, where that is
// wanted.
func (d *Daemon) fileChanged(ctx context.Context, c watch.Change) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	switch {
	case ctx.Err() != nil:
	case c.Problem != "":
		d.opts.Log.Error("the configuration cannot be watched: "+c.Problem, logbook.As(logbook.ConfigUnwatched))
	case !d.inUse.Manual:
		_, _ = d.reload() // it logs its outcome
	default:
		src, err := d.load()
		if err != nil {
			return
		}
		changed := difference(d.inUse, src)
		d.noteConfig(func(s *ConfigStatus) { s.Problem, s.Pending = "", len(changed) > 0 })
		if len(changed) > 0 {
			d.opts.Log.Warn("the configuration changed and is not in force (reload: manual): pairkeeper reload applies: "+strings.Join(changed, "; "), logbook.As(logbook.ConfigPending))
		}
	}
}

// leaveFiles ends the watch; a reload that is under way has found the mailbox closed.
func (d *Daemon) leaveFiles() {
	d.reloading.Lock()
	d.stopFiles()
	d.reloading.Unlock()
	d.watches.Wait()
}
