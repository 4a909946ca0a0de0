package config

// Advice is what the pair could have better: nothing of it is wrong.
func (d *Document) Advice() (list []Error) { return nil }
