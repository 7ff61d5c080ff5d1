package order

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

func (d *decoder) order(root *node) *Order {
	o := &Order{Priority: Routine}
	doc, ok := d.object(root, "type", "reference", "authority", "jurisdiction", "regime", "legal_basis",
		"priority", "served", "received", "expires", "due", "case", "accounts", "categories", "withhold",
		"agency", "instrument", "enforcing_authority", "non_disclosure", "user_notice")
	if !ok {
		return o
	}
	d.typed(doc, Type)
	o.Reference, _ = needChecked(doc, "reference", readReference)
	o.Jurisdiction, _ = needChecked(doc, "jurisdiction", readJurisdiction)
	o.Regime, _ = needChecked(doc, "regime", readRegime)
	o.LegalBasis = doc.needText("legal_basis")
	if p, ok := optionalChecked(doc, "priority", oneOf(Routine, Urgent, Emergency)); ok {
		o.Priority = p
	}
	if n, ok := doc.need("authority"); ok {
		o.Authority = d.authority(n)
	}
	if n, ok := doc.get("case"); ok {
		o.Case = d.lawCase(n)
	}
	d.times(doc, o)
	d.scope(doc, o)
	if n, ok := doc.need("agency"); ok {
		o.Agency = d.agency(n)
	}
	if n, ok := doc.need("instrument"); ok {
		o.Instrument = d.instrument(n)
	}
	if n, ok := doc.get("enforcing_authority"); ok {
		o.EnforcingAuthority = d.enforcingAuthority(n)
	}
	if n, ok := doc.get("non_disclosure"); ok {
		o.NonDisclosure = d.nonDisclosure(n)
	}
	if n, ok := doc.get("user_notice"); ok {
		o.UserNotice = d.userNotice(n)
	}
	return o
}

func (d *decoder) times(doc object, o *Order) {
	var served bool
	o.Served, served = needChecked(doc, "served", parseTime)
	o.Received, _ = needChecked(doc, "received", parseTime)
	o.Expires, _ = optionalChecked(doc, "expires", endMoment)
	o.Due, _ = optionalChecked(doc, "due", endMoment)
	for _, f := range []struct {
		name string
		at   time.Time
	}{{"received", o.Received}, {"expires", o.Expires}, {"due", o.Due}} {
		if n, _ := doc.get(f.name); served && !f.at.IsZero() && f.at.Before(o.Served) {
			d.addf(n.at, n.path, "before it was served")
		}
	}
}

// scope reads what the order asks for: accounts, categories, exemptions.
func (d *decoder) scope(doc object, o *Order) {
	categories, general := doc.get("categories")
	if general {
		o.Categories = d.categories(categories)
	}
	if n, ok := doc.need("accounts"); ok {
		o.Accounts = d.accounts(n)
	}
	for i := range o.Accounts {
		a := &o.Accounts[i]
		if a.Categories != nil {
			continue
		}
		if !general {
			d.addf(doc.n.at, "categories", "missing, and accounts[%d] has none of its own", i)
			break
		}
		a.Categories = slices.Clone(o.Categories)
	}
	if n, ok := doc.get("withhold"); ok {
		for _, item := range d.list(n, MaxWithheld) {
			o.Withhold = append(o.Withhold, d.withheld(item))
		}
	}
}

func (d *decoder) authority(n *node) (a Authority) {
	o, ok := d.object(n, "name", "unit", "country", "contact", "email")
	if !ok {
		return a
	}
	a.Name = o.needText("name")
	a.Unit = o.optionalText("unit")
	a.Country, _ = needChecked(o, "country", readCountry)
	a.Contact = o.optionalText("contact")
	a.Email, _ = optionalChecked(o, "email", readAddress)
	return a
}

func (d *decoder) lawCase(n *node) (c Case) {
	if o, ok := d.object(n, "type", "number"); ok {
		c.Type = o.optionalText("type")
		c.Number = o.optionalText("number")
	}
	return c
}

func (d *decoder) accounts(n *node) (accounts []Account) {
	first := map[string]position{}
	for _, item := range d.list(n, MaxAccounts) {
		a := d.account(item)
		if at, ok := first[fold(a.Name)]; ok && a.Name != "" {
			d.addf(item.at, join(item.path, "account"), "the same account as on line %d", d.resolve(at).line)
		}
		first[fold(a.Name)] = item.at
		accounts = append(accounts, a)
	}
	return accounts
}

// accountFields are the names of an account, in an order and in a narrowing.
var accountFields = []string{"account", "start", "end", "zone", "entire", "categories"}

func (d *decoder) account(n *node) (a Account) {
	o, ok := d.object(n, accountFields...)
	if !ok {
		return a
	}
	a.Name, _ = needChecked(o, "account", readAccount)
	if c, ok := o.get("categories"); ok {
		if a.Categories = d.categories(c); a.Categories == nil {
			a.Categories = []Category{} // faulty, and reported: not the order's
		}
	}
	zone, ok := d.zone(o, nil)
	if !ok {
		return a // its dates have no meaning
	}
	if a.zone = zone; zone != nil {
		a.Zone = zone.String()
	}
	if a.Entire = d.entire(o); a.Entire {
		a.span = Span{Entire: true}
		return a
	}
	d.span(o, &a)
	return a
}

// zone reads the zone of an account: another where it states none, and false
// after a fault.
func (d *decoder) zone(o object, otherwise *time.Location) (*time.Location, bool) {
	if !hasField(o, "zone") {
		return otherwise, true
	}
	return optionalChecked(o, "zone", readZone)
}

// entire reads whether an account is entire, and then has neither start nor end.
func (d *decoder) entire(o object) bool {
	n, ok := o.get("entire")
	if !ok {
		return false
	}
	if entire, _ := d.truth(n); !entire {
		return false
	}
	d.refuseBeside(o, "entire: true; one of them only", "start", "end")
	return true
}

// refuseBeside reports fields that have no meaning beside what is there.
func (d *decoder) refuseBeside(o object, there string, names ...string) {
	for _, name := range names {
		if n, ok := o.get(name); ok {
			d.addf(n.at, n.path, "stands beside %s", there)
		}
	}
}

func hasField(o object, name string) bool {
	_, ok := o.get(name)
	return ok
}

// truth reads true or false; ok is false after a fault.
func (d *decoder) truth(n *node) (value, ok bool) {
	switch {
	case (n.kind == plain || n.kind == boolean) && (n.text == "true" || n.text == "false"):
		return n.text == "true", true
	case n.kind == null:
		d.kindError(n, boolean)
	case n.kind != invalid:
		d.addf(n.at, n.path, "neither true nor false")
	}
	return false, false
}

// span reads start and end. A zone is wanted only by bare dates.
func (d *decoder) span(o object, a *Account) {
	from, okStart := needChecked(o, "start", edgeOf(dayStart, a.zone))
	last, okEnd := needChecked(o, "end", edgeOf(dayEnd, a.zone))
	if !okStart || !okEnd {
		return
	}
	end, _ := o.get("end")
	if last.Before(from) {
		d.addf(end.at, end.path, "before the start")
		return
	}
	start, _ := o.get("start")
	a.Start, a.End = start.text, end.text
	a.span = Span{From: from, Until: last.Add(time.Second)}
}

// edgeOf gives the reader of a start or an end.
func edgeOf(side edge, zone *time.Location) func(string) (time.Time, error) {
	return func(s string) (time.Time, error) { return readEdge(s, side, zone) }
}

func readEdge(s string, side edge, zone *time.Location) (time.Time, error) {
	if datePattern.MatchString(s) {
		if zone == nil {
			return time.Time{}, errors.New("a bare date needs the account's zone")
		}
		return parseEdge(s, side, zone)
	}
	t, err := parseTime(s)
	if errors.Is(err, errNotTime) {
		err = errNeither
	}
	if err == nil && zone != nil {
		t = t.In(zone)
	}
	return t, err
}

func endMoment(s string) (time.Time, error)   { return parseMoment(s, dayEnd) }
func startMoment(s string) (time.Time, error) { return parseMoment(s, dayStart) }

func (d *decoder) categories(n *node) (categories []Category) {
	for _, item := range d.list(n, 3) {
		c, ok := checked(d, item, oneOf(Subscriber, Traffic, Content))
		switch {
		case !ok:
		case slices.Contains(categories, c):
			d.addf(item.at, item.path, "named twice")
		default:
			categories = append(categories, c)
		}
	}
	return categories
}

func (d *decoder) withheld(n *node) (w Withheld) {
	o, ok := d.object(n, "address", "domain", "ground")
	if !ok {
		return w
	}
	if hasField(o, "address") == hasField(o, "domain") {
		d.addf(n.at, n.path, "either an address or a domain, one of them")
	}
	w.Address, _ = optionalChecked(o, "address", readAddress)
	w.Domain, _ = optionalChecked(o, "domain", readDomain)
	w.Address, w.Domain = fold(w.Address), fold(w.Domain)
	w.Ground = o.needText("ground")
	return w
}

func (d *decoder) agency(n *node) (a Agency) {
	o, ok := d.object(n, "name", "key", "keys")
	if !ok {
		return a
	}
	a.Name = o.needText("name")
	key, one := o.get("key")
	keys, several := o.get("keys")
	switch {
	case one == several:
		d.addf(n.at, n.path, "either key or keys, one of them")
	case one:
		keys = &node{kind: sequence, path: n.path, items: []*node{key}}
		fallthrough
	default:
		for _, item := range d.list(keys, MaxKeys) {
			f, ok := checked(d, item, readFingerprint)
			switch {
			case !ok:
			case slices.Contains(a.Keys, f):
				d.addf(item.at, item.path, "named twice")
			case len(a.Keys) > 0 && len(f) != len(a.Keys[0]):
				d.addf(item.at, item.path, "another kind of key than the first")
			default:
				a.Keys = append(a.Keys, f)
			}
		}
	}
	return a
}

func (d *decoder) instrument(n *node) (i Instrument) {
	o, ok := d.object(n, "file", "sha256", "signature")
	if !ok {
		return i
	}
	i.File, _ = needChecked(o, "file", readFileName)
	i.SHA256, _ = needChecked(o, "sha256", readSHA256)
	if n, ok := o.get("signature"); ok {
		i.Signature = d.instrumentSignature(n, i.File)
	}
	return i
}

func (d *decoder) instrumentSignature(n *node, instrument string) *InstrumentSignature {
	s := &InstrumentSignature{}
	o, ok := d.object(n, "file", "sha256")
	if !ok {
		return s
	}
	if s.File, ok = needChecked(o, "file", readFileName); ok && fold(s.File) == fold(instrument) {
		n, _ := o.get("file")
		d.addf(n.at, n.path, "the instrument itself")
	}
	s.SHA256, _ = needChecked(o, "sha256", readSHA256)
	return s
}

func (d *decoder) enforcingAuthority(n *node) *EnforcingAuthority {
	e := &EnforcingAuthority{}
	o, ok := d.object(n, "notified", "name", "country", "at")
	if !ok {
		return e
	}
	notified, ok := o.need("notified")
	if !ok {
		return e
	}
	if e.Notified, ok = d.truth(notified); !ok {
		return e
	}
	if !e.Notified {
		d.refuseBeside(o, "notified: false", "name", "country", "at")
		return e
	}
	e.Name = o.needText("name")
	e.Country, _ = needChecked(o, "country", readCountry)
	e.At, _ = needChecked(o, "at", parseTime)
	return e
}

func (d *decoder) nonDisclosure(n *node) *NonDisclosure {
	nd := &NonDisclosure{}
	o, ok := d.object(n, "basis", "start", "end")
	if !ok {
		return nd
	}
	var start, end bool
	nd.Basis = o.needText("basis")
	nd.Start, start = optionalChecked(o, "start", startMoment)
	nd.End, end = optionalChecked(o, "end", endMoment)
	if start && end && nd.End.Before(nd.Start) {
		n, _ := o.get("end")
		d.addf(n.at, n.path, "before the start")
	}
	return nd
}

func (d *decoder) userNotice(n *node) *UserNotice {
	u := &UserNotice{}
	if o, ok := d.object(n, "due", "delayed_until", "sent"); ok {
		u.Due, _ = optionalChecked(o, "due", endMoment)
		u.DelayedUntil, _ = optionalChecked(o, "delayed_until", endMoment)
		u.Sent, _ = optionalChecked(o, "sent", startMoment)
	}
	return u
}

func oneOf[T ~string](values ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		if slices.Contains(values, T(s)) {
			return T(s), nil
		}
		names := make([]string, len(values))
		for i, v := range values {
			names[i] = string(v)
		}
		return "", fmt.Errorf("%s is not %s", clip(s), strings.Join(names, " or "))
	}
}

func readReference(s string) (string, error) {
	if utf8.RuneCountInString(s) > MaxReference {
		return "", fmt.Errorf("more than %d characters", MaxReference)
	}
	return s, nil
}

var (
	regimePattern      = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	subdivisionPattern = regexp.MustCompile(`^[A-Z0-9]{1,3}$`)
	zonePattern        = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)
)

func readRegime(s string) (string, error) {
	if !regimePattern.MatchString(s) {
		return "", errors.New("not an identifier of at most 64 of a-z, 0-9 and -")
	}
	return s, nil
}

// readJurisdiction reads a country, or a subdivision of it as in ISO 3166-2.
func readJurisdiction(s string) (string, error) {
	country, subdivision, divided := strings.Cut(s, "-")
	if divided && !subdivisionPattern.MatchString(subdivision) {
		return "", fmt.Errorf("%s is not an ISO 3166-2 code", clip(s))
	}
	if _, err := readCountry(country); err != nil {
		return "", err
	}
	return s, nil
}

func readAccount(s string) (string, error) {
	if strings.ContainsFunc(s, func(c rune) bool { return c == '=' || unicode.IsSpace(c) }) {
		return "", errors.New("white space or '=' in the account")
	}
	return s, nil
}

func readZone(s string) (*time.Location, error) {
	if s == "Local" || !zonePattern.MatchString(s) {
		return nil, fmt.Errorf("%s is not an IANA time zone", clip(s))
	}
	zone, err := time.LoadLocation(s)
	if err != nil {
		return nil, fmt.Errorf("%s is not a known IANA time zone", clip(s))
	}
	return zone, nil
}

func readAddress(s string) (string, error) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsAny(s, "<>,;:") {
		return "", fmt.Errorf("%s is not an e-mail address", clip(s))
	}
	if _, err := readDomain(s[at+1:]); err != nil {
		return "", err
	}
	return s, nil
}

// readDomain reads a domain name, in ASCII or not, without a final dot.
func readDomain(s string) (string, error) {
	for label := range strings.SplitSeq(s, ".") {
		wrong := strings.ContainsFunc(label, func(c rune) bool {
			return c != '-' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c)
		})
		if label == "" || len(label) > 63 || wrong {
			return "", fmt.Errorf("%s is not a domain name", clip(s))
		}
	}
	return s, nil
}

// readFileName reads the name of a file beside the order.
func readFileName(s string) (string, error) {
	if len(s) > 255 || strings.ContainsAny(s, `/\:`) || strings.HasPrefix(s, ".") {
		return "", errors.New("not a plain file name beside the order")
	}
	return s, nil
}

func readSHA256(s string) (digest [32]byte, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(digest) {
		return digest, errors.New("not a SHA-256: 64 hexadecimal digits")
	}
	return [32]byte(raw), nil
}
