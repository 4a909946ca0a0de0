package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func newWitness() *cobra.Command {
	var files []string
	var listen string
	format := daemon.LogAuto
	c := &cobra.Command{
		Use:   "witness --key-file FILE …",
		Short: "grant the third vote to pairs of nodes, on a third machine",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			log, flush := daemon.NewLogger(format)
			defer flush()
			return runWitness(listen, files, log)
		},
	}
	c.Flags().StringArrayVar(&files, "key-file", nil, "the key of a pair's heartbeat, several with commas while it is exchanged; once for each pair")
	c.Flags().StringVar(&listen, "listen", ":6941", "address and UDP port")
	c.Flags().Var(&format, "log", "auto, journal, text or json, as of run")
	_ = c.MarkFlagRequired("key-file")
	return c
}

func runWitness(listen string, files []string, log *slog.Logger) error {
	pairs := make([][][]byte, len(files))
	for i, list := range files {
		for _, f := range strings.Split(list, ",") {
			k, err := config.ReadKeyFile(f)
			if err != nil {
				return failure{exitConfig, err}
			}
			pairs[i] = append(pairs[i], k)
		}
	}
	bad := &refusals{log: log, told: map[fencing.Refusal]time.Time{}}
	w, err := fencingnet.OpenWitness(fencingnet.WitnessConfig{
		Listen: listen, Pairs: pairs, Refused: bad.tell,
		Moved: func(from netip.AddrPort, pair int, m fencing.Moved) {
			log.Info(movedText(m), logbook.As(logbook.LeaseMoved),
				slog.String("key_file", files[pair]), slog.String("from", from.Addr().Unmap().String()))
		},
	})
	if err != nil {
		return failure{exitUnavailable, err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	log.Info(fmt.Sprintf("pairkeeper %s is a witness at %s for %d pairs", version(), w.Addr(), len(files)), logbook.As(logbook.WitnessBegins))
	if err := w.Run(ctx); err != nil {
		return failure{exitSoftware, err}
	}
	return nil
}

func movedText(m fencing.Moved) string {
	switch {
	case m.To == "":
		return fmt.Sprintf("%s returned the lease of %s", m.From, m.Lease)
	case m.From == "":
		return fmt.Sprintf("%s has the lease of %s", m.To, m.Lease)
	}
	return fmt.Sprintf("%s has the lease of %s, after %s", m.To, m.Lease, m.From)
}

// refusals tells of each kind of refused message once a minute.
type refusals struct {
	log  *slog.Logger
	mu   sync.Mutex
	told map[fencing.Refusal]time.Time
}

func (r *refusals) tell(from netip.AddrPort, why fencing.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.told[why]; ok && time.Since(last) < time.Minute {
		return
	}
	r.told[why] = time.Now()
	r.log.Warn(fmt.Sprintf("a message of %s is refused (%s): it is no question of a pair whose key is here", from.Addr().Unmap(), why), logbook.As(logbook.QuestionRefused))
}
