package fencing

import "time"

// Register is one lease as a voter keeps it. The zero value is one that nobody has.
type Register struct {
	owner string
	until time.Time
}

// Claim gives the lease to a node, or renews it, unless another one has it.
func (r *Register) Claim(now time.Time, node string, lease time.Duration) Verdict {
	if r.Owner(now) != "" && r.owner != node {
		return VerdictRefused
	}
	r.owner, r.until = node, now.Add(lease)
	return VerdictGranted
}

// Return takes the lease back from a node that has it.
func (r *Register) Return(node string) {
	if r.owner == node {
		*r = Register{}
	}
}

// Owner is who has the lease; empty: nobody.
func (r *Register) Owner(now time.Time) string {
	if now.Before(r.until) {
		return r.owner
	}
	return ""
}
