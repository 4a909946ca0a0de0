// Package schema is the JSON Schema of the configuration file, for editors. A test of
// internal/config makes it of what the strict reader looks for.
package schema

import _ "embed"

//go:embed pairkeeper.schema.json
var JSON string
