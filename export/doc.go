// Package export turns an approved order and the mailboxes that it names into a
// package: it checks the authority, reads and scopes the sources, normalizes,
// packs, seals, stores, reads back, and signs. FORMAT.md beside it specifies
// what comes out.
//
// Everything streams. Items are read in order and handed in batches to workers,
// which do all that is parallel; joining, encrypting and storing are in order.
// Memory is bounded: at most 64 MiB of source bytes for each worker and two more,
// or one larger item (mail.Limits), are in flight, with a few copies of them while they
// are normalized and compressed.
package export
