package fencing

// Refusal says why a message is no heartbeat that counts: a stable word for logs, metrics
// and tests. It is empty for one that does.
type Refusal string

// The refusals.
const (
	RefusalGarbage  Refusal = "heartbeat-garbage"     // not a heartbeat at all
	RefusalFormat   Refusal = "heartbeat-format"      // of a version that is not spoken here
	RefusalKey      Refusal = "heartbeat-unknown-key" // signed with a key that is not ours
	RefusalMAC      Refusal = "heartbeat-bad-mac"     // same key id, another key, or changed on the way
	RefusalOwn      Refusal = "heartbeat-own"         // our own, sent back
	RefusalStranger Refusal = "heartbeat-stranger"    // of another pair
	RefusalReplay   Refusal = "heartbeat-replay"      // not newer than what is known
)

// Remedy tells an operator what to do about it.
func (r Refusal) Remedy() string {
	switch r {
	case RefusalGarbage:
		return "find out who sends to the heartbeat's port"
	case RefusalFormat:
		return "run the same version of pairkeeper on both nodes"
	case RefusalKey, RefusalMAC:
		return "copy the same heartbeat key file to both nodes, and reload both"
	case RefusalOwn:
		return "two nodes have the same name, or the link returns what is sent: look at nodes: and at the link's addresses"
	case RefusalStranger:
		return "the sender is no node of this pair: look at heartbeat.links, and give each pair a key of its own"
	case RefusalReplay:
		return "somebody plays back what was recorded, or the link doubles packets"
	}
	return ""
}
