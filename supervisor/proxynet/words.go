package proxynet

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/realtime"
)

const (
	// wordsPatience bounds the look into the journal.
	wordsPatience = 2 * time.Second
	// wordsLag is how long the journal may take to have what was written just now.
	wordsLag = 100 * time.Millisecond

	readLines, saidLines = 20, 3
)

// words is what a unit's own processes wrote to the journal since a moment, ": " before
// it: the lines that complain, else the last ones. Empty: nothing, or there is no journal.
func words(ctx context.Context, unit string, since time.Time) string {
	for range 2 {
		if w := complaints(journal(ctx, unit, since)); w != "" {
			return ": " + w
		}
		time.Sleep(wordsLag)
	}
	return ""
}

func journal(ctx context.Context, unit string, since time.Time) string {
	ctx, cancel := context.WithTimeout(ctx, wordsPatience)
	defer cancel()
	var out strings.Builder
	cmd := exec.CommandContext(ctx, "journalctl", "--quiet", "--no-pager", "--output=cat", fmt.Sprintf("--lines=%d", readLines),
		fmt.Sprintf("--since=@%d.%06d", since.Unix(), since.Nanosecond()/1000), "_SYSTEMD_UNIT="+unit)
	cmd.Env = environment()
	cmd.Stdout = &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.WaitDelay = time.Second
	if realtime.Start(cmd) != nil || cmd.Wait() != nil {
		return ""
	}
	return out.String()
}

// complaints makes one line of what matters in several.
func complaints(text string) string {
	var all, bad []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.ToValidUTF8(strings.TrimSpace(line), "?")
		if len(line) > maxLine/4 {
			line = line[:maxLine/4]
		}
		if line == "" || slices.Contains(all, line) {
			continue
		}
		all = append(all, line)
		for _, word := range []string{"[emerg]", "[ALERT]", "[alert]", "[crit]", "[error]"} {
			if strings.Contains(line, word) {
				bad = append(bad, line)
				break
			}
		}
	}
	if len(bad) > 0 {
		return strings.Join(bad[:min(saidLines, len(bad))], " | ")
	}
	return strings.Join(all[max(0, len(all)-saidLines):], " | ")
}
