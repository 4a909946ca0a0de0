package probesnet

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/words"
	"github.com/pairkeeper/pairkeeper/probes"
)

// fileProbe looks at a file.
type fileProbe struct {
	cfg  probes.File
	want text
}

func newFileProbe(c probes.File) (*fileProbe, error) {
	want, err := newText(c.Text)
	return &fileProbe{cfg: c, want: want}, err
}

func (p *fileProbe) look(context.Context) Result {
	r := p.judge()
	r.Answered = true
	r.Detail = p.cfg.Path + ": " + r.Detail
	return r
}

func (p *fileProbe) judge() Result {
	info, err := os.Stat(p.cfg.Path)
	if err != nil {
		return Result{Detail: words.Bare(err).Error()}
	}
	if age := time.Since(info.ModTime()); p.cfg.MaxAge > 0 && age > p.cfg.MaxAge {
		return Result{Detail: fmt.Sprintf("written %s ago, want %s at the most", age.Round(time.Second), p.cfg.MaxAge)}
	}
	if p.cfg.Text.Any() && !p.cfg.Value {
		return Result{OK: true, Detail: "exists"}
	}
	data, err := readFile(p.cfg.Path, maxText)
	if err != nil {
		return Result{Detail: words.Bare(err).Error()}
	}
	if p.cfg.Value {
		return valueOf(data)
	}
	if lack := p.want.missing(data); lack != "" {
		return Result{Detail: lack}
	}
	return Result{OK: true, Detail: "has what is wanted"}
}

// valueOf reads a whole number, which may stand between white space.
func valueOf(data []byte) Result {
	s := strings.TrimSpace(string(data))
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return Result{Detail: fmt.Sprintf("%q is not a whole number", s[:min(len(s), shownAnswer)])}
	}
	return Result{OK: true, Value: int(n), Detail: strconv.FormatInt(n, 10)}
}
