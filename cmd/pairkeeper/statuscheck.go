package main

import (
	"errors"
	"fmt"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// exitFault is what status --check ends with where the daemon answers and the node is no
// use to the pair.
const exitFault = 1

// checkStatus is the health check of a container: good is a node that holds the addresses
// or would take them. Without virtual routers it is the proxy that has to be good.
func checkStatus(s daemon.Status) error {
	var faults []error
	for _, r := range s.Routers {
		if r.State != "ACTIVE" && r.State != "BACKUP" {
			faults = append(faults, fmt.Errorf("%s: %s%s", r.Name, stateWord(r), because(r.Detail)))
		}
	}
	if p := s.Proxy; len(s.Routers) == 0 && p != nil && p.State != "good" {
		faults = append(faults, fmt.Errorf("%s: %s%s", p.Name, p.State, because(p.Problem)))
	}
	if len(faults) > 0 {
		return failure{exitFault, errors.Join(faults...)}
	}
	return nil
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}
