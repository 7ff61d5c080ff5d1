// Package testdata holds the sample mailbox and the sample order, so that the
// demonstration runs from a binary alone.
package testdata

import "embed"

// Files has the folders mailbox, described in its README.md, and order. In
// order/order.yaml the text AGENCY-KEY stands for the fingerprint of a key,
// which whoever uses the order has to put in its place.
//
//go:embed all:mailbox order
var Files embed.FS
