// Package vrrpnet touches the network for package vrrp: adverts on raw sockets (Socket)
// or, from a virtual MAC, as whole frames (Frames); ARP and neighbour discovery on packet
// sockets (ARP and NDP, both Neighbours); addresses with a lifetime (Addresses) and the
// interfaces that have a virtual MAC (MACVLANs) by netlink; and a watch over interfaces
// (Watch). It carries and never decides.
//
// The sockets are made for one thread that polls file descriptors: they start
// no goroutine, never block, and are not safe for concurrent use. Addresses and MACVLANs
// block until the kernel answers and may be shared.
//
// Every socket belongs to the network namespace of the thread that opened it.
package vrrpnet
