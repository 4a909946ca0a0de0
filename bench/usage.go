//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cpuSeconds is the processor time of processes and of the children they reaped.
func cpuSeconds(pids []int) float64 {
	own, children := cpuApart(pids)
	return own + children
}

// cpuApart is both apart.
func cpuApart(pids []int) (own, children float64) {
	var ns, ticks float64
	for _, pid := range pids {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			ns += number(strings.Fields(string(text)), 0)
		}
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := bytes.Cut(text, []byte(") "))
		fields := strings.Fields(string(rest)) // from the third field of proc(5) on
		ticks += number(fields, 16-3) + number(fields, 17-3)
	}
	const hertz = 100 // USER_HZ
	return ns / 1e9, ticks / hertz
}

func number(fields []string, i int) float64 {
	if i >= len(fields) {
		return 0
	}
	n, _ := strconv.ParseFloat(fields[i], 64) // the kernel's
	return n
}

// memory is the resident and the proportional set of processes in MiB.
func memory(pids []int) (rss, pss float64) {
	for _, pid := range pids {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			switch {
			case strings.HasPrefix(line, "Rss:"):
				rss += number(fields, 1) / 1024
			case strings.HasPrefix(line, "Pss:"):
				pss += number(fields, 1) / 1024
			}
		}
	}
	return rss, pss
}
