package main

import (
	"runtime/debug"
	"sync"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// A sidecar is small: collect early, and at the latest at this much. Each check of a real
// server may take some more, half of it while the server does not answer: with a limit below
// what is in use, nothing would be done but collecting.
const (
	gcPercent      = 25
	memoryLimit    = 24 << 20
	memoryPerCheck = 8 << 10
)

// memory is the limit in force.
type memory struct {
	mu    sync.Mutex
	limit int64
}

// allow raises the limit to what a configuration may take. It is not lowered again: the one
// that is in force may be another one.
func (m *memory) allow(cfg *supervisor.Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = max(m.limit, memoryFor(cfg))
	debug.SetMemoryLimit(m.limit)
}

// memoryFor is how much a configuration may take.
func memoryFor(cfg *supervisor.Config) int64 {
	checks := len(cfg.Probes)
	for i := range cfg.Balance.Services {
		for _, of := range cfg.Balance.Services[i].Checks {
			checks += len(of)
		}
	}
	return memoryLimit + int64(checks)*memoryPerCheck
}
