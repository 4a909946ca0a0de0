package sim

// A third host may have the addresses, too: it answers whoever asks for them, and takes no
// part otherwise.

// strangerMAC is its MAC address.
const strangerMAC = "02:00:5e:00:00:63"

// worldFaults are what can happen besides the two hosts, by who and what.
var worldFaults = map[string]func(*World){
	"stranger appears": func(w *World) { w.stranger = true },
	"stranger leaves":  func(w *World) { w.stranger = false },
}
