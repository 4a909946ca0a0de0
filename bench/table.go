//go:build linux

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// unit is how a figure is written.
type unit string

const (
	inSeconds unit = "s"
	inMillis  unit = "s, as ms"
	inCPU     unit = "CPU s/min"
	inMiB     unit = "MiB"
	inTimes   unit = "times"
	inMicros  unit = "s, as µs"
	inKiB     unit = "KiB"
)

func (u unit) format(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "never"
	case u == inMillis:
		return fmt.Sprintf("%.1f ms", v*1000)
	case u == inSeconds && v < 1:
		return fmt.Sprintf("%.0f ms", v*1000)
	case u == inSeconds:
		return fmt.Sprintf("%.2f s", v)
	case u == inMicros:
		return fmt.Sprintf("%.0f µs", v*1e6)
	case u == inKiB:
		return fmt.Sprintf("%.1f KiB", v)
	case u == inTimes:
		return fmt.Sprintf("%g", v)
	case u == inMiB:
		return fmt.Sprintf("%.1f MiB", v)
	}
	return fmt.Sprintf("%.2f s/min", v)
}

// section is a scenario with its figures.
type section struct {
	scenario
	values [][][]float64 // contestant, run, quantity
	stall  time.Duration // of the client, the worst
	took   time.Duration
	lost   []string // runs that could not be measured
}

// column is the figures of a contestant for a quantity, in the order of the runs.
func (s section) column(contestant, quantity int) []float64 {
	var list []float64
	for _, run := range s.values[contestant] {
		list = append(list, run[quantity])
	}
	return list
}

// summary is what the table shows of a column.
type summary struct{ median, p95, worst float64 }

func summarize(values []float64) summary {
	if len(values) == 0 {
		return summary{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return summary{
		median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		p95:    sorted[int(math.Ceil(0.95*float64(n)))-1], // nearest rank
		worst:  sorted[n-1],
	}
}

func (s summary) cells(u unit) string {
	var cells []string
	for _, v := range []float64{s.median, s.p95, s.worst} {
		if math.IsNaN(v) {
			cells = append(cells, "–")
			continue
		}
		cells = append(cells, u.format(v))
	}
	return strings.Join(cells, " | ")
}

// ratio is how many times more one is than the other.
func ratio(more, less float64) string {
	if math.IsNaN(more/less) || math.IsInf(more/less, 0) {
		return "–"
	}
	return fmt.Sprintf("%.3g", more/less)
}

// print writes a row for each thing measured of each contestant; the ratio is to
// pairkeeper's median.
func (s section) print(w io.Writer) {
	for q, quantity := range s.measures {
		own := summarize(s.column(0, q))
		for i, c := range s.contestants {
			values := s.column(i, q)
			sum := summarize(values)
			times := ratio(sum.median, own.median)
			if i == 0 {
				times = ""
			}
			fmt.Fprintf(w, "| %s | %s | %s | %d | %s | %s |\n", s.title, quantity.name, c.name, len(values), sum.cells(quantity.unit), times)
		}
	}
}
