package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"exhibit/sign"
)

// Why an entry or a confirmation does not count.
var (
	// ErrProvider: it is another provider's.
	ErrProvider = errors.New("text of another provider")
	// ErrSigner: it is not signed by a valid admin, or not by the one it names.
	ErrSigner = errors.New("text is not signed by a valid admin")
	// ErrReenrolled: a revoked key is never enrolled again.
	ErrReenrolled = errors.New("key was revoked before")
	// ErrName: its name belongs to another holder, or to a key that is still
	// in use; or its key to another name.
	ErrName = errors.New("name or key is taken")
	// ErrNothingConfirmed: the text that it confirms is not here, is of a later
	// time, or does not count for the reason that is wrapped beside it.
	ErrNothingConfirmed = errors.New("confirms nothing that can count")
	// ErrSameHolder: it confirms what another key of its holder has signed.
	ErrSameHolder = errors.New("confirmed by the holder who signed")
)

// Why there is no whole keyring.
var (
	// ErrNoRoot: no entry of a pinned admin counts.
	ErrNoRoot = errors.New("no pinned admin's own entry")
	// ErrDisputed: a pinned admin has signed own entries of different names or
	// holders. What that admin has signed with others counts no more, and what it
	// had taken the place of must not come back.
	ErrDisputed = errors.New("a pinned admin's own entries contradict each other")
	// ErrOneRoot: the pinned admins whose own entries count are one holder's.
	ErrOneRoot = errors.New("the second root is not there yet")
)

// loader applies the rules of FORMAT section 5.
type loader struct {
	*ring
	roots      []string
	now        time.Time
	enrolments map[sign.Digest][]*file // by the digest of their text
	disputed   map[string]bool         // roots that contradict themselves, by fingerprint
	refused    map[sign.Digest]refusal // confirmed texts that can never count
}

// refusal says why and when a confirmed enrolment was refused.
type refusal struct {
	reason error
	time   sign.Time
}

// Load makes the keyring of a provider from signed entries and confirmations.
// roots are the fingerprints of the pinned admins, now is the present time. The
// order of the files does not matter. What does not count is in Rejected and
// Pending.
//
// It is an error, ErrNoRoot, when not one pinned admin has an entry that counts,
// and ErrOneRoot when all that have one are of the same holder. With either the
// keyring is returned as well, so that it can be founded: in it no key but a
// root's is valid.
func Load(roots []string, provider string, signed []*sign.Signed, now time.Time) (*Keyring, error) {
	if len(signed) > MaxEntries {
		return nil, &sign.LimitError{What: "keyring entries", Limit: MaxEntries}
	}
	l := &loader{ring: newRing(), roots: roots, now: now, refused: make(map[sign.Digest]refusal)}
	k := &Keyring{provider: provider, ring: l.ring}
	files, rejected := readAll(signed, provider, now)
	l.survey(files)
	end := l.countAll(files)
	k.pending, k.rejected = l.leftOver(files, end)
	k.rejected = append(k.rejected, rejected...)
	slices.SortStableFunc(k.rejected, func(a, b Rejected) int { return bytes.Compare(a.Leaf[:], b.Leaf[:]) })
	for i := range l.keys {
		l.keys[i].Revoked = l.revoked[l.keys[i].Entry.Fingerprint]
	}
	if err := l.checkRoots(); err != nil {
		return k, fmt.Errorf("keyring of %s: %w", provider, err)
	}
	for root := range l.disputed {
		return nil, fmt.Errorf("keyring of %s: %w: key %s", provider, ErrDisputed, root)
	}
	return k, nil
}

// checkRoots says whether two holders' own entries are the keyring's roots.
func (l *loader) checkRoots() error {
	err := ErrNoRoot
	first := ""
	for i := range l.keys {
		switch k := &l.keys[i]; {
		case !k.Root:
		case first == "":
			first, err = k.Entry.Holder, ErrOneRoot
		case k.Entry.Holder != first:
			return nil
		}
	}
	return err
}

// survey notes all enrolments by their text, and the roots that contradict
// themselves. A root's own entry counts from the time that it states: one that is
// dated back could give an admin another holder, and so the semblance of two
// persons, or another name, which no revocation has. So none of them counts.
func (l *loader) survey(files []*file) {
	l.enrolments = make(map[sign.Digest][]*file)
	l.disputed = make(map[string]bool)
	own := make(map[string]*Entry)
	for _, f := range files {
		if !f.is(Enroll) {
			continue
		}
		l.enrolments[f.digest] = append(l.enrolments[f.digest], f)
		if !l.isRoot(f.entry) || f.verify(*f.entry.PublicKey, l.now) != nil {
			continue
		}
		if first := own[f.signer]; first == nil {
			own[f.signer] = f.entry
		} else if first.Name != f.entry.Name || first.Holder != f.entry.Holder {
			l.disputed[f.signer] = true
		}
	}
}

// countAll goes through all files, sorted, second by second. It returns the end:
// the present time, or that of the last file if its clock was ahead.
func (l *loader) countAll(files []*file) (end sign.Time) {
	end = sign.At(l.now)
	for len(files) > 0 {
		n := 1
		for n < len(files) && files[n].time == files[0].time {
			n++
		}
		l.second(files[:n])
		if end.Before(files[0].time) {
			end = files[0].time
		}
		files = files[n:]
	}
	return end
}

// second takes in all files of one second. Those can build on each other in any
// order. A revocation takes effect at once, so a key that is revoked in this
// second neither enrolls nor confirms in it; but it may still revoke, which errs
// on the safe side when two admins revoke each other. As a revocation may free a
// name for a key that is revoked in turn, this goes on until nothing changes.
func (l *loader) second(group []*file) {
	before := len(l.keys)
	for {
		l.truncate(before)
		maps.DeleteFunc(l.refused, func(_ sign.Digest, r refusal) bool { return r.time == group[0].time })
		l.enroll(group)
		if !l.revoke(group) {
			return
		}
	}
}

// enroll takes in the enrolments that begin to count by the files of group,
// until none more does.
func (l *loader) enroll(group []*file) {
	done := make(map[*file]bool)
	for progress := true; progress; {
		progress = false
		for _, f := range group {
			root := f.is(Enroll) && l.isRoot(f.entry)
			if done[f] || !root && f.confirmation == nil {
				continue
			}
			if root {
				f.reason = l.enrollRoot(f)
			} else {
				f.reason = l.confirm(f)
			}
			if f.reason == nil {
				done[f], progress = true, true
			}
		}
	}
}

// revoke takes in the revocations of group that count and did not so far, and
// reports whether there were any.
func (l *loader) revoke(group []*file) (progress bool) {
	for _, f := range group {
		if !f.is(Revoke) || f.counts {
			continue
		}
		if f.reason = l.checkRevocation(f); f.reason != nil {
			continue
		}
		f.counts, progress = true, true
		if l.revoked[f.entry.Fingerprint] == nil {
			l.revoked[f.entry.Fingerprint] = f.entry
		}
	}
	return progress
}

// isRoot reports whether an enrolment is a pinned admin's own, which counts
// without another's confirmation: as an admin, and nothing else.
func (l *loader) isRoot(e *Entry) bool {
	return e.Signer == e.Fingerprint && slices.Contains(l.roots, e.Fingerprint) && slices.Equal(e.Roles, []sign.Role{sign.Admin})
}

func (l *loader) enrollRoot(f *file) error {
	if _, ok := l.byText[f.digest]; ok {
		return nil
	}
	if err := f.verify(*f.entry.PublicKey, l.now); err != nil {
		return err
	}
	if l.disputed[f.signer] {
		return fmt.Errorf("%w: root %s has signed own entries of different names or holders", ErrName, f.signer)
	}
	if err := l.takes(f.entry, f.time); err != nil {
		return err
	}
	l.add(Key{Entry: *f.entry, Leaf: f.leaf, Digest: f.digest, Since: f.time, Root: true})
	return nil
}

// confirm checks a confirmation and lets the enrolment that it confirms count,
// unless that does already. One that its name or its key forbids at that time is
// refused for good.
func (l *loader) confirm(c *file) error {
	if err := l.byAdmin(c, c.time, l.now); err != nil {
		return err
	}
	text := c.confirmation.Text
	files := l.enrolments[text]
	switch {
	case len(files) == 0:
		return fmt.Errorf("%w: no enrolment of digest %s", ErrNothingConfirmed, text)
	case files[0].time.After(c.time):
		return fmt.Errorf("%w: the entry is of %s, later than its confirmation", ErrNothingConfirmed, files[0].time)
	case l.holder(files[0].signer) == l.holder(c.signer):
		return fmt.Errorf("%w: %.80q", ErrSameHolder, l.holder(c.signer))
	}
	if _, ok := l.byText[text]; ok {
		return nil
	}
	if l.isRoot(files[0].entry) {
		return fmt.Errorf("%w: a root's own entry counts by itself or not at all", ErrNothingConfirmed)
	}
	f, err := l.proposal(files, c.time)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNothingConfirmed, err)
	}
	if _, ok := l.refused[text]; !ok {
		if err = l.takes(f.entry, c.time); err == nil {
			l.add(Key{Entry: *f.entry, Leaf: f.leaf, Digest: f.digest, Since: c.time, ConfirmedBy: c.signer})
			return nil
		}
		l.refused[text] = refusal{err, c.time}
	}
	return fmt.Errorf("%w: %w", ErrNothingConfirmed, l.refused[text].reason)
}

// proposal returns the first of the files of one text, which differ in salt and
// signature, that an admin has signed who is valid at t as well.
func (l *loader) proposal(files []*file, t sign.Time) (good *file, err error) {
	for _, f := range files {
		failed := l.proposed(f, t)
		if failed == nil {
			return f, nil
		}
		if err == nil {
			err = failed
		}
	}
	return nil, err
}

// proposed says whether a valid admin has signed an enrolment, not a root's own,
// and is valid at t as well.
func (l *loader) proposed(f *file, t sign.Time) error {
	if err := l.byAdmin(f, f.time, l.now); err != nil {
		return err
	}
	if err := l.valid(f.signer, sign.Admin, t); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return nil
}

// checkRevocation checks that an admin revokes a key that is in the keyring,
// whatever was revoked: a revocation of that admin, dated back, must bring nothing
// back. It gives no power, as one who was revoked can date a text back, too.
func (l *loader) checkRevocation(f *file) error {
	if err := l.enrolled(f.signer, sign.Admin, f.time); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if err := f.verify(l.certificate(f.signer, sign.Admin), l.now); err != nil {
		return err
	}
	if !l.knows(f.entry) {
		return fmt.Errorf("%.80s %s: %w", f.entry.Name, f.entry.Fingerprint, ErrUnknownKey)
	}
	return nil
}

// leftOver sorts what does not count at the end into what waits for a second
// admin and what is refused.
func (l *loader) leftOver(files []*file, end sign.Time) (pending []Pending, rejected []Rejected) {
	waiting := make(map[sign.Digest]bool)
	for _, f := range files {
		if f.is(Enroll) {
			f.reason = l.whyNot(f, end)
		}
		_, counts := l.byText[f.digest]
		switch {
		case f.reason != nil:
			rejected = append(rejected, Rejected{f.leaf, f.entry, f.confirmation, f.reason})
		case f.is(Enroll) && !counts && !waiting[f.digest]:
			waiting[f.digest] = true
			pending = append(pending, Pending{Entry: *f.entry, Leaf: f.leaf, Digest: f.digest})
		}
	}
	return pending, rejected
}

// whyNot says why an enrolment does not count, nor waits for a second admin. A
// copy of a text that counts must be well signed, too.
func (l *loader) whyNot(f *file, end sign.Time) error {
	i, counts := l.byText[f.digest]
	root := l.isRoot(f.entry)
	switch {
	case counts && l.keys[i].Leaf == f.leaf:
		return nil
	case counts && root:
		return f.verify(*f.entry.PublicKey, l.now)
	case counts:
		return l.byAdmin(f, f.time, l.now)
	case root:
		return f.reason
	}
	if err := l.proposed(f, end); err != nil {
		return err
	}
	if r, ok := l.refused[f.digest]; ok {
		return r.reason
	}
	return l.takes(f.entry, end)
}
