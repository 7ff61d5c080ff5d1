package main

import (
	"errors"
	"fmt"

	"exhibit/export"
	"exhibit/export/mail"
	"exhibit/export/open"
	"exhibit/export/order"
	"exhibit/export/seal"
	"exhibit/export/subscriber"
	"exhibit/export/workspace"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/store"
)

// codeOf gives the stable code of an error that has one.
func codeOf(err error) string {
	var refused *export.Refusal
	var failed *open.Failure
	switch {
	case errors.As(err, &failed):
		return string(failed.Code)
	case errors.As(err, &refused):
		return string(refused.Code)
	}
	return ""
}

// sentinelHints says what to do next about errors that are one of a kind.
var sentinelHints = []struct {
	err  error
	hint string
}{
	{workspace.ErrNoWorkspace, "make one with `exhibit init DIR`, or name it with --workspace or EXHIBIT_WORKSPACE"},
	{workspace.ErrNoKey, "the keys of this host are in the workspace's folder keys; make one with `exhibit keys new NAME`"},
	{workspace.ErrExists, "nothing is overwritten: choose another name; of a lost key, move what is left in the folder keys away first"},
	{seal.ErrSecretKey, "take the public key (`age-keygen -y`, `gpg --export --armor`); if an agency has sent you its secret key, it needs a new one"},
	{keyring.ErrReenrolled, "its holder makes a new key: `exhibit keys new`, once the old one is moved out of the folder keys"},
	{keyring.ErrName, "`exhibit keys list` shows who has it: a key still in use is revoked first, another person takes another NAME, one person has one spelling"},
	{workspace.ErrPermissions, "take the rights of others away: chmod 600 FILE; then think about who may have read it"},
	{export.ErrFounded, "a store has one keyring: to work with it from here, copy exhibit.yaml and keys/claim.key from the provider's first workspace"},
	{keyring.ErrOneRoot, "the second admin has not joined: `exhibit init DIR --admin NAME --holder WHO`"},
	{export.ErrOwnProposal, "two persons decide: another admin gives this command with --as KEY of their own"},
	{export.ErrNotPending, "`exhibit keys list` and `exhibit policy show --pending` show what waits for a second admin"},
	{export.ErrPending, "another admin confirms it; --anew proposes something else in its place"},
	{export.ErrBusy, "give the same command again"},
	{keyring.ErrUnknownKey, "`exhibit keys list` shows the keyring; `exhibit keys enroll` adds a key"},
	{detached.ErrPassphrase, "the passphrase is that of the key itself; --passphrase-file takes the first line of a file"},
	{seal.ErrPassphrase, "the passphrase is that of your own secret key"},
	{seal.ErrNoIdentity, "the package is encrypted to another key than yours: manifest.json lists the fingerprints under recipients"},
	{errNoTerminal, "give --passphrase-file FILE"},
	{errNoClaimKey, "copy keys/claim.key from the provider's first workspace; without it one order could get two packages"},
	{errNoInstrument, "the instrument, and a signature over it, lie beside the order under the names that it states"},
	{errList, "--admit takes the CSV that `exhibit export --undetermined` has written, with commas, in UTF-8"},
	{errListExists, "name a file that is not there yet"},
	{export.ErrEmptyTable, "was it drawn of the right account? If nothing is held say so with --no-data ACCOUNT=subscriber"},
	{export.ErrEmptySource, "is it mounted? If nothing is held of the account say so with --no-data ACCOUNT"},
	{export.ErrOverlap, "give each file or folder once"},
	{errTargetExists, "name a folder with --to that is not there yet"},
	{errInterrupted, "give the same command again to go on"},
	{open.ErrNoItem, "exhibit numbers are in data/index.csv of the opened package, from E0000001"},
	{open.ErrItemSize, "open the whole package: leave out --item"},
	{store.ErrNoStore, "the store's folder is not there: is the disk mounted? `exhibit init` makes a new one"},
	{store.ErrCredentials, "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile in AWS_PROFILE"},
	{store.ErrDenied, "the credentials are good, but lack a right on this bucket or folder"},
	{store.ErrNoBucket, "make the bucket first, or check its name and AWS_REGION"},
	{store.ErrClockSkew, "set the clock of this machine (timedatectl), then try again"},
	{store.ErrTLS, "set AWS_CA_BUNDLE to the server's certificate authority, and check https:// in AWS_ENDPOINT_URL"},
	{store.ErrUnreachable, "check AWS_ENDPOINT_URL and the network; the same command goes on where it stopped"},
	{store.ErrProtocol, "check AWS_ENDPOINT_URL: what answers there is no S3 server, or something sits in between"},
	{store.ErrAddress, "a store is a folder or s3://bucket/prefix; the endpoint is in AWS_ENDPOINT_URL"},
	{store.ErrNoSpace, "make room, then give the same command again"},
	{store.ErrReadOnly, "choose another place, or mount it for writing"},
	{store.ErrDeleted, "somebody deleted an object that never may be: this is an alarm, look at the bucket's versions before anything else"},
	{store.ErrCorrupt, "the medium returns other bytes than were stored: check it before anything else"},
}

// codeHints says what to do next about refusals and failures.
var codeHints = map[string]string{
	string(export.NotReviewed):         "a reviewer gives `exhibit order review ORDER --accept --as KEY`; an order file that was changed since is another order",
	string(export.NotApproved):         "each approver gives `exhibit order approve ORDER --as KEY`; a changed order, policy or review needs new approvals",
	string(export.AlreadyApproved):     "another person has to approve it; for the emergency rule one with --emergency, or a reviewer reviews anew, and all approve anew",
	string(export.OwnReview):           "another person has to approve what you have reviewed",
	string(export.ReviewUnfit):         "the order has to be reviewed anew: `exhibit order review`",
	string(export.OrderRefused):        "a later `exhibit order review` may accept what was refused",
	string(export.OrderWithdrawn):      "an order that has ended stays so; a new order of the authority needs a file of its own",
	string(export.OrderSuperseded):     "work on the order that takes its place",
	string(export.OrderAhead):          "correct `received` in the order, from which every clock runs, or set the clock of this machine",
	string(export.OrderExpired):        "ask the authority for a new or extended order",
	string(export.Held):                "wait; or, if the authority raises no refusal, a reviewer gives `exhibit order notice ORDER --no-refusal --ground TEXT --as KEY`",
	string(export.NotHeld):             "`exhibit order check ORDER` shows the order's clock",
	string(export.EmergencyOverdue):    "the approvals that are missing heal it: `exhibit order approve ORDER --as KEY`",
	string(export.NoEmergency):         "approve it without --emergency; as many as the policy says have to",
	string(export.SpanTooWide):         "accept a shorter span of it with --in-part, ask the authority for a shorter one, or two admins sign a policy that allows it; `exhibit policy show` has the longest",
	string(export.EntireUnsaid):        "name each such account, and no other, with --entire ACCOUNT; or accept a span of it with --in-part",
	string(export.RegimeUnknown):       "`exhibit policy show` lists the regimes; check the order's regime, or two admins sign a policy that has it",
	string(export.AuthorityUnstated):   "the order says it with enforcing_authority: {notified: false}, or with its name and when it was notified",
	string(export.NoticeTooSoon):       "`exhibit order check ORDER` shows until when the user is not to be told",
	string(export.AccountNotInOrder):   "only accounts that the order names and its review accepts may be exported: check --from",
	string(export.AccountWithout):      "give --from ACCOUNT=PATH for a mailbox, ACCOUNT=subscriber:PATH for subscriber records, or --no-data if nothing is held",
	string(export.CategoryNotAsked):    "leave that source away: nothing may leave that the order, as accepted, does not ask for",
	string(export.SubscriberUnfit):     "the policy's regime has to name the list of columns that may leave: `exhibit policy show`",
	string(export.AgencyKeyUnknown):    "make sure out of band whose key it is, then `exhibit keys enroll NAME --role agency --key FILE …`",
	string(export.AgencyKeyRevoked):    "ask the agency for its present key, enroll it, and have the order name it",
	string(export.AgencyKeyUnfit):      "ask the agency for another key, enroll it, and have the order name it",
	string(export.RoleMissing):         "`exhibit keys list` shows who may do what; an admin enrolls keys with `exhibit keys enroll`, another confirms",
	string(export.NoPolicy):            "an admin proposes one with `exhibit policy sign --file FILE --as KEY`, another confirms it; `exhibit policy show --draft` prints one to begin with",
	string(export.StoreUnfit):          "use a store that gives what the policy demands, or two admins sign another policy",
	string(export.InstrumentMismatch):  "the file beside the order is another one than the order names: compare its digest",
	string(export.InstrumentSignature): "do not act on it: ask the agency, by a way that you know, whether it has signed this instrument",
	string(export.WrongSuperseded):     "`--supersedes` takes the id of the order's newest package",

	string(open.NothingToCheck):      "name the folder that holds manifest.json",
	string(open.SignatureMissing):    "do not use this package: ask the provider for it anew",
	string(open.SignatureUntrusted):  "compare the fingerprint with the provider by telephone; --trust takes the provider's key, from a place that you trust",
	string(open.PackageUnexpected):   "this is another package than you expect, perhaps an older one: ask the provider for it anew",
	string(open.ObjectMissing):       "download the package again, whole",
	string(open.ObjectExtra):         "keep nothing else in the package's folder; what the manifest does not name is not part of it",
	string(open.ObjectAltered):       "download that object again; if it stays so, tell the provider",
	string(open.BagAltered):          "work on a copy, and open the package anew; if it stays so, tell the provider",
	string(open.BagMissing):          "work on a copy, and open the package anew; if it stays so, tell the provider",
	string(open.BagExtra):            "keep nothing else in the bag's folder: work on a copy, or open the package anew",
	string(open.TagSignatureMissing): "this folder is no bag that was opened from a package, or somebody removed a part of it",
}

// hintedError is an error whose place, not its kind, says what to do next.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// hintsFor says what to do next.
func hintsFor(err error) []string {
	var played *demoError
	if errors.As(err, &played) {
		return []string{played.hint()}
	}
	var own *hintedError
	if errors.As(err, &own) {
		return []string{own.hint}
	}
	if hints := orderErrors(err); hints != nil {
		return hints
	}
	if hint, ok := codeHints[codeOf(err)]; ok {
		return []string{hint}
	}
	for _, h := range sentinelHints {
		if errors.Is(err, h.err) {
			return []string{h.hint}
		}
	}
	var column *subscriber.ColumnError
	var limit *mail.LimitError
	var format *mail.FormatError
	var conflict *export.ConflictError
	var lost *export.LostRecordError
	var spent *export.SpentError
	var stale *export.StaleError
	var instrument *order.InstrumentError
	switch {
	case errors.As(err, &instrument):
		return []string{"the order's instrument.sha256 is that of another file"}
	case errors.As(err, &column):
		return []string{"the source has to be drawn anew, with columns of the list only; names in small letters, commas in between"}
	case errors.As(err, &limit):
		return []string{"the source was not read further and nothing was made; look at that place of the file"}
	case errors.As(err, &format):
		if format.Outlook() {
			return []string{"retrieve it in another format, or convert it to mbox or eml first, and keep the original"}
		}
		return []string{"say what it is with FORMAT:PATH, or retrieve it in another format"}
	case errors.As(err, &conflict):
		return []string{fmt.Sprintf("finish it on the host that began it; or have a package approved that supersedes %s", conflict.Package)}
	case errors.As(err, &spent):
		return []string{"somebody has altered the store: this is an alarm; nothing was made, look for the package and its claim before anything else"}
	case errors.As(err, &stale):
		return []string{fmt.Sprintf("have a package approved that supersedes it, and export with --supersedes %s", stale.Package)}
	case errors.As(err, &lost):
		return []string{"somebody hides records or gave back an old state of the store: this is an alarm; nothing was done"}
	}
	return nil
}
