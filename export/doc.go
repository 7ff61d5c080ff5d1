// Package export turns an approved order and the mailboxes that it names into a
// package: it checks the authority, reads and scopes the sources, normalizes,
// packs, seals, stores, reads back, and signs. FORMAT.md beside it specifies
// what comes out.
//
// Everything streams. Items are read in order and handed in batches to workers,
// which do all that is parallel; joining, encrypting and storing are in order.
// Memory is bounded by the number of batches in flight (Workers + 2, 16 MiB
// each before compression) and by the largest item (mail.Limits).
package export
