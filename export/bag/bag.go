// Package bag holds what an opened package consists of: the names of its files
// and their order, the archive's header blocks, and exact readers and writers
// of every text that is not the payload itself: item records, package.json,
// source lines, locators, BagIt tag files (RFC 8493), traffic and subscriber records,
// the index for other tools, the report and the README that lies outside.
//
// Section numbers in this package's comments are those of export/FORMAT.md.
// The package does no I/O of its own beyond the readers and writers that it is
// given, and knows no keys.
package bag

import (
	"errors"
	"fmt"
)

// Names of the files of a bag that are fixed (section 5).
const (
	OrderYAML       = "data/order/order.yaml"
	OrderJSON       = "data/order/order.json"
	ExceptionsCSV   = "data/exceptions.csv"
	WithheldCSV     = "data/withheld.csv"
	IndexCSV        = "data/index.csv"
	IndexDAT        = "data/index.dat"
	IndexJSONL      = "data/index.jsonl"
	ReportHTML      = "data/report.html"
	SubscriberCSV   = "data/subscriber.csv" // not in a bag of package.json version 1
	TrafficCSV      = "data/traffic.csv"    // likewise
	Declaration     = "bagit.txt"
	InfoFile        = "bag-info.txt"
	PayloadManifest = "manifest-sha256.txt"
	SourcesJSONL    = "sources.jsonl"
	LocatorsTXT     = "locators.txt"
	ContentsTXT     = "contents.txt"
	PackageJSON     = "package.json"
	TagManifest     = "tagmanifest-sha256.txt"
	TagSignature    = "tagmanifest-sha256.txt.asc"
)

// Folders of a bag.
const (
	DataDir     = "data"
	MessagesDir = "data/messages"
	OrderDir    = "data/order"
	TreeDir     = "item-tree"
)

// DeclarationText is the exact content of bagit.txt (RFC 8493, section 2.1.1).
const DeclarationText = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// ErrInvalid is wrapped by every error of this package about a text or a value
// that is not as format 1 has it.
var ErrInvalid = errors.New("not as format 1 has it")

// invalid makes an error that wraps ErrInvalid.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
