package order

// The limits of an order file, and of a narrowing. Text is counted in
// characters, files in bytes.
const (
	MaxBytes      = 1 << 20  // the file of the order or narrowing
	MaxAccounts   = 1000     // accounts
	MaxWithheld   = 1000     // privileged correspondents
	MaxKeys       = 20       // agency keys
	MaxText       = 4096     // one text value
	MaxReference  = 200      // the order's reference
	MaxName       = 64       // one field name
	MaxFields     = 64       // fields of one mapping
	MaxDepth      = 8        // mappings and lists within each other
	MaxParts      = 100_000  // YAML tokens or JSON values
	MaxErrors     = 100      // errors that are collected, the last one says so
	MaxInstrument = 64 << 20 // the instrument file

	MaxInstrumentSignature = 1 << 20 // the file of the signature over it

	minYear, maxYear = 1970, 2999 // of every time and date, to catch slips
)
