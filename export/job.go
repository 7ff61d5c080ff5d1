package export

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"exhibit/export/bag"
	"exhibit/export/instrument"
	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/export/seal"
	"exhibit/export/spool"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
	"exhibit/store"
)

// Job is one export.
type Job struct {
	Authority *Authority
	Order     *order.Order
	// Instrument is the exact bytes of the legal instrument, and Signature of the
	// agency's signature over it, nil if the order names none.
	Instrument, Signature []byte
	Sources               []Source
	// Empty names accounts of the order of which the provider holds nothing: of an
	// account as a whole, or "account=mailbox" or "account=subscriber".
	Empty []string
	// Supersedes is the package that this one takes the place of, or nil.
	Supersedes *sign.ID
	// Signer is the provider's signing key, for the package and the records of it.
	Signer *detached.Signer
	// Preparer is the key of the person of fulfilment staff who runs the export.
	Preparer *detached.Signer
	// Tool is this program.
	Tool custody.Instrument
	// Limits bounds the sources; the zero value is mail.DefaultLimits.
	Limits mail.Limits
	// Workers is how many goroutines parse and compress; 0 is one a processor.
	Workers int
	// TempDir holds encrypted spools; "" is the system's.
	TempDir string
	// Progress, if set, is told how many source bytes were read since it was
	// last called.
	Progress func(int64)
	// Undetermined, if set, is told of every item that is withheld as undetermined,
	// for a person to look at.
	Undetermined func(Noted) error
	// Now is the clock, and Random where secrets come from; nil are the system's.
	Now    func() time.Time
	Random io.Reader
}

// Result is what an export has made.
type Result struct {
	Package sign.ID
	// Address is where the package is: the store's address and its prefix.
	Address string
	// Repeated says that the package was whole already, and nothing was made.
	Repeated bool
	// Finished says that an interrupted run was finished without reading the
	// sources again.
	Finished bool
	Manifest *manifest.Manifest
	// Reading is what was read; nil when Repeated or Finished.
	Reading *Reading
	// Partial says that the review accepted a part of the order only, and Emergency
	// that the emergency rule let it out; false when Repeated or Finished.
	Partial, Emergency bool
	// Exceptions counts the included items that were not normalized, by reason.
	Exceptions []bag.ReasonCount
	// Undetermined lists items for a person to look at, at most 10,000.
	Undetermined []Noted
	Warnings     []string
}

func (j *Job) now() time.Time {
	if j.Now != nil {
		return j.Now()
	}
	return time.Now()
}

func (j *Job) random() io.Reader {
	if j.Random != nil {
		return j.Random
	}
	return rand.Reader
}

func (j *Job) workers() int {
	if j.Workers > 0 {
		return j.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// ready is a job that policy lets go ahead.
type ready struct {
	*Job
	actor      sign.Person // the provider
	preparer   sign.Person
	mandate    *Mandate
	signature  *instrument.Result // of the agency, over the instrument; or nil
	recipients []seal.Recipient
	warnings   []string
	started    time.Time
}

// authorize checks everything that must hold before anything is read
// (invariant 1). What it returns works on the order as it was accepted.
func (j *Job) authorize(ctx context.Context, now time.Time) (*ready, error) {
	a := j.Authority
	preparer, err := a.person(j.Preparer, now, sign.Fulfilment)
	if err != nil {
		return nil, err
	}
	actor, err := a.person(j.Signer, now, sign.Provider)
	if err != nil {
		return nil, err
	}
	signature, err := a.fitOrder(File{Order: j.Order, Instrument: j.Instrument, Signature: j.Signature}, now)
	if err != nil {
		return nil, err
	}
	if err := a.fitStore(); err != nil {
		return nil, err
	}
	recipients, warnings, err := a.recipients(j.Order, now)
	if err != nil {
		return nil, err
	}
	m, err := a.Mandate(ctx, j.Order, j.Supersedes, now)
	if err != nil {
		return nil, err
	}
	if err := m.Allows(); err != nil {
		return nil, err
	}
	if err := a.fitScope(m.Effective); err != nil {
		return nil, err
	}
	accepted := *j
	accepted.Order = m.Effective
	if err := checkSources(m.Effective, j.Sources, j.Empty, m.Columns); err != nil {
		return nil, err
	}
	return &ready{
		Job: &accepted, actor: actor, preparer: preparer, mandate: m, signature: signature,
		recipients: recipients, warnings: warnings, started: now,
	}, nil
}

// repeated looks whether the package that is asked for was released already. It
// needs no approval to say so, as nothing leaves; nil is no.
func (j *Job) repeated(ctx context.Context, actor sign.Person) (*Result, error) {
	if err := j.stopped(ctx); err != nil {
		return nil, err
	}
	claims := j.Authority.claims(j.Order)
	sequence, err := claims.sequenceAfter(ctx, j.Supersedes)
	var refused *Refusal
	if errors.As(err, &refused) {
		return nil, nil // for authorize to say, and to record
	}
	if err != nil {
		return nil, err
	}
	id, ok, err := claims.get(ctx, sequence)
	if err != nil || !ok {
		return nil, err
	}
	res := &Result{Package: id, Address: address(j.Authority.Provider.Store, id)}
	r := &ready{Job: j, actor: actor}
	done, err := r.whole(ctx, id, res)
	if err != nil || !done {
		return nil, err
	}
	return res, nil
}

// stopped refuses even a package that is there already, when the order has ended
// or the approvals that an emergency owes are overdue.
func (j *Job) stopped(ctx context.Context) error {
	if j.Authority.Policy == nil {
		return nil // for authorize to say
	}
	m, err := j.Authority.Mandate(ctx, j.Order, nil, j.now())
	var refused *Refusal
	switch {
	case errors.As(err, &refused): // likewise
		return nil
	case err != nil:
		return err
	case m.Ended != nil:
		return m.ended()
	case m.Clock.Overdue:
		return m.overdue()
	}
	return nil
}

// Run exports. It is safe to repeat: a package that is whole is not made again,
// whatever has become of its approvals, and one that an earlier run of this host had sealed is finished. A *Refusal
// means that policy does not allow it; the refusal is recorded.
func Run(ctx context.Context, j *Job) (*Result, error) {
	now := j.now()
	actor, err := j.Authority.person(j.Signer, now, sign.Provider)
	if err != nil {
		return nil, err
	}
	res, err := j.repeated(ctx, actor)
	if err != nil {
		return nil, j.recordRefusal(ctx, actor, err, now)
	}
	if res != nil {
		return res, nil
	}
	r, err := j.authorize(ctx, now)
	if err != nil {
		return nil, j.recordRefusal(ctx, actor, err, now)
	}
	return r.run(ctx)
}

// recordRefusal puts a refusal on record, and returns it, or what went wrong
// instead. Other errors are returned as they are.
func (j *Job) recordRefusal(ctx context.Context, actor sign.Person, err error, now time.Time) error {
	var refused *Refusal
	if !errors.As(err, &refused) {
		return err
	}
	record := custody.Record{Event: custody.Refused, Actor: actor, Instrument: j.Tool, Details: []custody.Detail{
		{Name: "code", Value: string(refused.Code)}, {Name: "ground", Value: refused.Error()},
	}}
	if e := j.Authority.Provider.record(ctx, j.Order, record, j.Signer, now); e != nil {
		return errors.Join(err, fmt.Errorf("the refusal could not be recorded: %w", e))
	}
	return err
}

func (r *ready) run(ctx context.Context) (*Result, error) {
	p := r.Authority.Provider
	id, err := r.Authority.claims(r.Order).take(ctx, r.mandate.Sequence, r.random())
	if err != nil {
		return nil, err
	}
	res := &Result{Package: id, Address: address(p.Store, id), Warnings: r.warnings}
	pub := &publisher{store: p.Store, state: p.State, id: id, signer: r.Signer, now: r.now,
		sealed: func(ctx context.Context, m *manifest.Manifest) (bool, error) { return r.isSealed(ctx, id, m) }}
	if err := r.unspent(ctx, id); err != nil {
		return nil, err
	}
	finished, err := pub.resume(ctx, r.Authority.Policy.Digest, r.manifestRecipients())
	if errors.As(err, new(*StaleError)) {
		return nil, r.wasReleased(ctx, id, err)
	}
	if err != nil {
		return nil, err
	}
	if !finished {
		if err := r.make(ctx, pub, res); err != nil {
			return nil, err
		}
	}
	res.Finished = finished
	return res, r.released(ctx, id, pub.text, res)
}

func address(s store.Store, id sign.ID) string {
	return strings.TrimSuffix(s.String(), "/") + "/" + strings.TrimSuffix(packagePrefix(id), "/")
}

// make reads, packs, seals and stores a package, and publishes it.
func (r *ready) make(ctx context.Context, pub *publisher, res *Result) error {
	attempt, err := r.begin(ctx, pub.id)
	if err != nil {
		return err
	}
	secret, seed, err := r.draw()
	if err != nil {
		return err
	}
	// Cancelling takes the upload at hand with it, whatever goes wrong where.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v := &volumes{
		ctx: ctx, store: r.Authority.Provider.Store, id: pub.id, prefix: packagePrefix(pub.id), attempt: attempt, recipients: r.recipients,
		bound: r.Authority.Policy.VolumeBytes, pad: r.Authority.Policy.Padding, at: r.started,
	}
	a, err := newAssembler(v, r.TempDir)
	if err != nil {
		return err
	}
	defer a.close()
	list, err := a.spools.make()
	if err != nil {
		return err
	}
	rd, pkg, tag, err := r.fill(ctx, pub.id, a, secret, seed, list)
	if err != nil {
		return v.fail(err)
	}
	if err := r.keepSources(ctx, pub.id, list); err != nil {
		return err
	}
	m := r.manifest(pub.id, pkg, tag, v.made)
	m.Abandoned = []string{} // publisher.second lists them
	if err := r.recordVolumes(ctx, pub.id, v, pkg); err != nil {
		return err
	}
	if err := r.recheck(ctx); err != nil {
		return err
	}
	if err := pub.publish(ctx, m, r.readme(m)); err != nil {
		return err
	}
	res.Reading, res.Undetermined, res.Exceptions = &rd.reading, rd.undecided, pkg.Exceptions
	res.Partial, res.Emergency = r.Order.Narrowed(), r.mandate.ByEmergency
	return nil
}

// begin finds which attempt at the volumes this is, and records that it has begun.
func (r *ready) begin(ctx context.Context, id sign.ID) (attempt int, err error) {
	attempt, left, err := attempts(ctx, r.Authority.Provider.Store, id, nil)
	if err != nil {
		return 0, err
	}
	if len(left) > manifest.MaxObjects/2 { // a manifest could not list them all
		return 0, &StaleError{Package: id}
	}
	return attempt, r.recordStart(ctx, id, attempt)
}

// draw draws the package's secret, and the seed of its receipt key.
func (r *ready) draw() (secret, seed [32]byte, err error) {
	if _, err := io.ReadFull(r.random(), secret[:]); err != nil {
		return secret, seed, fmt.Errorf("draw secret: %w", err)
	}
	if _, err := io.ReadFull(r.random(), seed[:]); err != nil {
		return secret, seed, fmt.Errorf("draw receipt key: %w", err)
	}
	return secret, seed, nil
}

// fill puts into the volumes all that the package holds, and ends them. It returns
// what was read, the facts of the package, and the digest of its tag manifest.
func (r *ready) fill(ctx context.Context, id sign.ID, a *assembler, secret, seed [32]byte, list *spool.Spool) (*reader, *bag.Package, sign.Digest, error) {
	rd, err := r.read(ctx, a, secret, list)
	if err != nil {
		return nil, nil, sign.Digest{}, err
	}
	pkg, err := r.assemble(id, a, rd, secret, seed, list)
	if err != nil {
		return nil, nil, sign.Digest{}, err
	}
	tag, err := a.tail(pkg, func(text []byte) ([]byte, error) { return r.Signer.Sign(text, r.now()) })
	return rd, pkg, tag, err
}

// readme is what README.txt says of the package.
func (r *ready) readme(m manifest.Manifest) bag.Readme {
	readme := bag.Readme{Package: m.Package, Signer: r.Signer.Fingerprint(), Kind: m.Recipients[0].Kind}
	for _, rec := range m.Recipients {
		readme.Recipients = append(readme.Recipients, rec.Fingerprint)
	}
	return readme
}

// recheck asks once more, after hours of work perhaps, whether policy lets the
// package out: a key may be revoked by now, or the order have expired.
func (r *ready) recheck(ctx context.Context) error {
	now := r.now()
	authority, err := r.Authority.Provider.Load(ctx, now)
	if err != nil {
		return err
	}
	again := *r.Job
	again.Authority, again.Order = authority, r.mandate.Order
	then, err := again.authorize(ctx, now)
	if err != nil {
		return again.recordRefusal(ctx, r.actor, err, now)
	}
	if authority.Policy.Digest != r.Authority.Policy.Digest || then.mandate.Review.SHA256 != r.mandate.Review.SHA256 || !then.counts(r.statements()) {
		return errMeanwhile
	}
	return nil
}

// errMeanwhile says that there are enough approvals, but not those, or not under
// the policy or the review, that the package states.
var errMeanwhile = errors.New("the policy, the review or the approvals changed while the export ran: give the same command again")

// attempts finds which attempt at the volumes comes next, and the names of all
// volumes but made: those that are there, and of each attempt the one that may be
// on its way into the store behind its last. A run gives up at its next volume
// once it finds SHA256SUMS, so that there is no further one.
func attempts(ctx context.Context, st store.Store, id sign.ID, made []manifest.Object) (next int, abandoned []string, err error) {
	next, abandoned = 1, []string{}
	own := map[string]bool{}
	for _, o := range made {
		own[o.Name] = true
	}
	last := map[int]manifest.VolumeID{}
	prefix := packagePrefix(id)
	for info, err := range st.List(ctx, prefix+"volume-") {
		if err != nil {
			return 0, nil, fmt.Errorf("list earlier attempts: %w", err)
		}
		name := strings.TrimPrefix(info.Key, prefix)
		v, err := manifest.ParseVolumeName(name)
		if err != nil {
			return 0, nil, fmt.Errorf("%s is not of this export: %w", info.Key, err)
		}
		next = max(next, v.Attempt+1)
		if own[name] {
			continue
		}
		abandoned = append(abandoned, name)
		if v.Number > last[v.Attempt].Number {
			last[v.Attempt] = v
		}
	}
	for attempt, v := range last {
		abandoned = append(abandoned, manifest.VolumeName(v.Number+1, attempt, v.Ext))
	}
	if len(made) > 0 { // one that has begun, and has no volume there yet
		v, err := manifest.ParseVolumeName(made[0].Name)
		if err != nil {
			return 0, nil, err
		}
		abandoned = append(abandoned, manifest.VolumeName(1, next, v.Ext))
	}
	slices.Sort(abandoned)
	return next, abandoned, nil
}

// receiptKey is the public half of the receipt key.
func receiptKey(seed [32]byte) [32]byte {
	return [32]byte(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
}
