package vrrpnet

import "net"

// Link names an interface. A new Index under an old Name is another interface:
// sockets opened on the old one stay silent and have to be opened again.
type Link struct {
	Name  string
	Index int
	MAC   net.HardwareAddr
}
