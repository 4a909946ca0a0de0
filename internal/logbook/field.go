// Package logbook is the vocabulary of pairkeeper's journal: the fields of a record, the
// kinds of records with their ids, and how to read the journal again as a history.
package logbook

import (
	"log/slog"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The fields of a record, as journald names them.
const (
	Prefix    = "PAIRKEEPER_"
	MessageID = "MESSAGE_ID" // of the kind, for the message catalog

	Node      = "PAIRKEEPER_NODE"
	Router    = "PAIRKEEPER_ROUTER"
	Interface = "PAIRKEEPER_INTERFACE" // the router's
	State     = "PAIRKEEPER_STATE"     // of a transition: INIT, BACKUP, ACTIVE, FAULT
	OldState  = "PAIRKEEPER_OLD_STATE"
	Reason    = "PAIRKEEPER_REASON"
	Priority  = "PAIRKEEPER_PRIORITY" // the router's own, effective
	Peer      = "PAIRKEEPER_PEER"     // who else has to do with it: an address
	Refusal   = "PAIRKEEPER_REFUSAL"  // why an advert was refused
	Proxy     = "PAIRKEEPER_PROXY"    // the guarded unit or program
	Hook      = "PAIRKEEPER_HOOK"     // its key in the configuration
	Late      = "PAIRKEEPER_LATE"     // how long journald did not take the record, in microseconds
)

// As is the field that makes a record one of a kind.
func As(r vrrp.Reason) slog.Attr { return slog.String(Reason, string(r)) }
