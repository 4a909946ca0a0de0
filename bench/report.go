//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report is all that was measured, and on what.
type report struct {
	Kernel     string `json:"kernel"`
	CPUs       int    `json:"cpus"`
	Load       string `json:"load"` // when it began
	Pairkeeper string `json:"pairkeeper"`
	Keepalived string `json:"keepalived"`
	Size       int64  `json:"pairkeeper_bytes"`
	TheirSize  int64  `json:"keepalived_bytes"`

	sections []section
	took     time.Duration
}

func (r *report) describe(o options) {
	var name unix.Utsname
	_ = unix.Uname(&name) // it cannot fail
	r.Kernel, r.CPUs = unix.ByteSliceToString(name.Release[:]), runtime.NumCPU()
	load, _ := os.ReadFile("/proc/loadavg")
	r.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	r.Pairkeeper, r.Size = versionOf(o.binary, "version"), sizeOf(o.binary)
	r.Keepalived, r.TheirSize = versionOf("keepalived", "--version"), sizeOf("keepalived")
}

// versionOf is the first line that a program says of itself.
func versionOf(program, flag string) string {
	out, _ := exec.Command(program, flag).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

func sizeOf(program string) int64 {
	path, err := exec.LookPath(program)
	if err != nil {
		return 0
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (r *report) lost() int {
	n := 0
	for _, s := range r.sections {
		n += len(s.lost)
	}
	return n
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s; Linux %s, %d CPUs, load %s at the beginning, took %s.\n\n", r.Pairkeeper, r.Keepalived,
		r.Kernel, r.CPUs, r.Load, r.took.Round(time.Second))
	fmt.Fprintln(w, "| what | measured | tool | N | median | p95 | worst | ratio |")
	fmt.Fprintln(w, "|---|---|---|--:|--:|--:|--:|--:|")
	for _, s := range r.sections {
		s.print(w)
	}
	const mib = 1 << 20
	fmt.Fprintf(w, "\nProgram on disk: pairkeeper %.1f MiB (static), keepalived %.1f MiB (and its libraries).\n",
		float64(r.Size)/mib, float64(r.TheirSize)/mib)
	fmt.Fprintf(w, "Never: not within %s. ", limit)
	fmt.Fprintln(w, "The ratio is to pairkeeper's median. The client was late with a request by at most:", r.stalls()+".")
	for _, s := range r.sections {
		for _, text := range s.lost {
			fmt.Fprintln(w, "\nNot measured:", text)
		}
	}
}

// stalls is how far the client itself can be trusted in each scenario.
func (r *report) stalls() string {
	var list []string
	for _, s := range r.sections {
		list = append(list, fmt.Sprintf("%s %s", s.name, s.stall.Round(time.Millisecond)))
	}
	return strings.Join(list, ", ")
}

// figures is a row of the JSON file.
type figures struct {
	Scenario string   `json:"scenario"`
	Measure  string   `json:"measure"`
	Unit     unit     `json:"unit"`
	Tool     string   `json:"tool"`
	Values   []figure `json:"values"` // in the order of the runs
}

// figure is null in JSON where something never happened.
type figure float64

func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

func (r *report) writeJSON(path string) error {
	doc := struct {
		*report
		Figures []figures `json:"figures"`
	}{report: r}
	for _, s := range r.sections {
		for q, quantity := range s.measures {
			for i, c := range s.contestants {
				row := figures{Scenario: s.name, Measure: quantity.name, Unit: quantity.unit, Tool: c.name}
				for _, v := range s.column(i, q) {
					row.Values = append(row.Values, figure(v))
				}
				doc.Figures = append(doc.Figures, row)
			}
		}
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
