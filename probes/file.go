package probes

import "time"

// File looks at a file.
type File struct {
	Path   string
	Text   Text          // what it must have; the zero value: it must exist
	MaxAge time.Duration // how long ago it may have been written; 0: any time
	Value  bool          // it holds a whole number, for the weight
}

func (File) isCheck() {}
