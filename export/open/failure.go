package open

import (
	"errors"
	"fmt"
	"strconv"

	"exhibit/sign/detached"
)

// Code says in what respect a package or a bag does not verify. Codes are
// stable.
type Code string

// The codes.
const (
	NothingToCheck      Code = "nothing-to-check"      // no package or bag is here
	SignatureMissing    Code = "signature-missing"     // a signature that must be there is not
	SignatureUntrusted  Code = "signature-untrusted"   // made by a key that is not trusted
	SignatureInvalid    Code = "signature-invalid"     // does not hold, malformed, weak, expired, revoked
	SignerMismatch      Code = "signer-mismatch"       // made by another key than the text names
	ManifestInvalid     Code = "manifest-invalid"      // not as sign/FORMAT.md section 9 has it
	PackageUnexpected   Code = "package-unexpected"    // another package than the expected one
	LogUnsupported      Code = "log-unsupported"       // a proof is demanded that cannot be checked
	LimitExceeded       Code = "limit-exceeded"        // more than section 13 allows
	ObjectMissing       Code = "object-missing"        // named by the manifest, not there
	ObjectExtra         Code = "object-extra"          // there, not named by the manifest
	ObjectAltered       Code = "object-altered"        // other size or digest
	SumsMismatch        Code = "sums-mismatch"         // SHA256SUMS is not what the manifest makes of it
	RecipientsMismatch  Code = "recipients"            // encrypted to more, fewer or other kinds of keys
	VolumeInvalid       Code = "volume-invalid"        // what was signed is no volume of format 1
	TableMismatch       Code = "table"                 // the seek table lies
	RatioExceeded       Code = "ratio"                 // decompresses to too much
	EntryInvalid        Code = "entry-invalid"         // a tar header, padding or end that format 1 does not have
	EntryName           Code = "entry-name"            // a name that no bag has
	EntryDuplicate      Code = "entry-duplicate"       // a name that stands twice
	EntryOrder          Code = "entry-order"           // an entry in the wrong place
	EntryMissing        Code = "entry-missing"         // the archives end too early
	BagMissing          Code = "bag-missing"           // a file of the bag is not there
	BagExtra            Code = "bag-extra"             // a file that the bag does not list
	BagAltered          Code = "bag-altered"           // a file with another digest or size
	TagSignatureMissing Code = "tag-signature-missing" // the bag's own signature is not there
	TagManifestInvalid  Code = "tag-manifest-invalid"  // lists what no bag has, or not all
	TagFileInvalid      Code = "tag-file-invalid"      // bagit.txt, bag-info.txt or another tag file
	PackageInvalid      Code = "package-invalid"       // package.json is not as section 7 has it
	RecordInvalid       Code = "record-invalid"        // an item record is not as section 6 has it
	CountsMismatch      Code = "counts"                // counts do not add up
	TreeMismatch        Code = "tree"                  // the records do not give the signed root
	OrderMismatch       Code = "order-mismatch"        // the order in the bag is another one than stated
	SourcesMismatch     Code = "sources-mismatch"      // sources.jsonl and the index differ
	TablesMismatch      Code = "tables-mismatch"       // index.csv, index.dat, traffic.csv or subscriber.csv and the records differ
	BindingMismatch     Code = "binding-mismatch"      // the content belongs to another manifest
	ItemInvalid         Code = "item-invalid"          // the item fetched is not the one that is signed
)

// Failure says that a package or a bag does not verify.
type Failure struct {
	Code   Code
	Object string // object of the package, or file of the bag; may be empty
	Detail string // one plain clause
	Err    error  // cause, or nil
}

func (f *Failure) Error() string {
	s := f.Detail
	if f.Object != "" {
		s = show(f.Object) + ": " + s
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// ErrNoItem says that the package holds no such exhibit.
var ErrNoItem = errors.New("no such exhibit in the package")

// ErrItemSize says that an item is too large to be fetched by itself.
var ErrItemSize = errors.New("item is too large to be fetched by itself: open the package")

func fail(code Code, object, format string, args ...any) *Failure {
	return &Failure{Code: code, Object: object, Detail: fmt.Sprintf(format, args...)}
}

func failWith(code Code, object string, err error, detail string) *Failure {
	return &Failure{Code: code, Object: object, Detail: detail, Err: err}
}

// signatureFailure gives the refusal of a signature its code.
func signatureFailure(object string, err error) *Failure {
	if errors.Is(err, detached.ErrUntrusted) {
		return failWith(SignatureUntrusted, object, err, "signature is not by a trusted key")
	}
	return failWith(SignatureInvalid, object, err, "signature does not hold")
}

// show renders a hostile name in a message.
func show(name string) string {
	const most = 120
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '"' || len(name) > most {
			return strconv.QuoteToASCII(name[:min(len(name), most)])
		}
	}
	return name
}
