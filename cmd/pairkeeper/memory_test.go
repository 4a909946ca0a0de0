package main

import (
	"testing"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestManyChecksMayTakeMoreMemory(t *testing.T) {
	if got := memoryFor(&supervisor.Config{}); got != memoryLimit {
		t.Errorf("nothing may take %d bytes, want %d", got, memoryLimit)
	}
	cfg := supervisor.Config{Probes: make([]probes.Config, 3)}
	for range 100 {
		one := supervisor.VirtualServer{Checks: make([][]probes.Config, 100)}
		for i := range one.Checks {
			one.Checks[i] = make([]probes.Config, 2)
		}
		cfg.Balance.Services = append(cfg.Balance.Services, one)
	}
	if got, want := memoryFor(&cfg), int64(memoryLimit+20003*memoryPerCheck); got != want {
		t.Errorf("20,003 checks may take %d bytes, want %d", got, want)
	}
}
