// Package ipvsnet reads the kernel's IPVS table and changes it. Services, plain servers
// and time-outs are written with github.com/moby/ipvs; what that lacks (tunnels, servers
// of another family than their service, sync daemons, persistence engines, counters of 64
// bits) is a codec beside it.
package ipvsnet
