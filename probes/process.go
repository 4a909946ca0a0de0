package probes

// Process counts the processes of a name.
type Process struct {
	Name     string // as ps -o comm shows it, or of the program's file
	Args     string // a regular expression that the command line has to match; empty: any
	Min, Max int    // how many there have to be; a Max of 0: any number
}

func (Process) isCheck() {}
