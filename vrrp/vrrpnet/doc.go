// Package vrrpnet touches the network for package vrrp: adverts on raw sockets or, from
// a virtual MAC, on a packet socket; ARP and neighbour discovery on packet sockets;
// addresses with a lifetime by netlink, and a watch over interfaces. It carries and
// never decides.
//
// The sockets are made for one thread that polls file descriptors: they start
// no goroutine, never block, and are not safe for concurrent use. Addresses blocks
// until the kernel answers and may be shared.
//
// Every socket belongs to the network namespace of the thread that opened it.
package vrrpnet
