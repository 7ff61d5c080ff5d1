package open

import (
	"exhibit/export/bag"
	"exhibit/export/frame"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// limits of a reader (section 13). Frames, ratio and the content of a frame are
// held by package frame; names, their depth, the number of items and sizes of
// entries by package bag; what a manifest lists by package manifest.
type limits struct {
	objects   int   // that lie in a package's folder
	others    int   // files of a bag that are no items
	text      int64 // bytes of README.txt and SHA256SUMS
	tail      int64 // bytes of the tail's entries, with their headers
	manifest  int64 // bytes of manifest.json
	signature int64 // bytes of a signature
	line      int   // bytes of a line of an index
	order     int64 // bytes of an order
	signed    int64 // bytes of a signature over an instrument
	record    int64 // bytes of a traffic or subscriber record, with its LF
	item      int64 // bytes of a single item that is fetched or undone, held in memory
	large     int64 // bytes of an item beyond which only one is undone at a time
	block     int64 // bytes that a ranged read fetches at least
}

// maxDecoders bounds how many frames are decoded at once, and so the memory that
// a volume takes on a machine of many processors: each may have 32 MiB of content
// and as much again of frame. Decrypting, in one stream, is slower than so many.
const maxDecoders = 8

var formatLimits = limits{
	objects:   2*manifest.MaxObjects + 2, // listed, abandoned, the manifest and its signature
	others:    bag.MaxOthers,
	text:      manifest.MaxSmall,
	tail:      frame.MaxContent,
	manifest:  sign.MaxDocument,
	signature: detached.MaxSignature,
	line:      sign.MaxLine,
	order:     order.MaxBytes,
	signed:    order.MaxInstrumentSignature,
	record:    bag.MaxRecord + 1,
	item:      1 << 30,
	large:     16 << 20,
	block:     1 << 20,
}
