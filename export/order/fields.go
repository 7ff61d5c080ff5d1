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
		"priority", "served", "received", "expires", "case", "accounts", "categories", "withhold",
		"agency", "instrument", "non_disclosure", "user_notice")
	if !ok {
		return o
	}
	if len(root.fields) > 0 && root.fields[0].name != "type" {
		d.addf(root.fields[0].at, "type", "must come first")
	}
	needChecked(doc, "type", oneOf(Type))
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
	if n, ok := doc.get("non_disclosure"); ok {
		o.NonDisclosure = d.nonDisclosure(n)
	}
	if n, ok := doc.get("user_notice"); ok {
		o.UserNotice = d.userNotice(n)
	}
	return o
}

func (d *decoder) times(doc object, o *Order) {
	var served, received, expires bool
	o.Served, served = needChecked(doc, "served", parseTime)
	o.Received, received = needChecked(doc, "received", parseTime)
	o.Expires, expires = optionalChecked(doc, "expires", endMoment)
	if n, _ := doc.get("received"); served && received && o.Received.Before(o.Served) {
		d.addf(n.at, n.path, "before it was served")
	}
	if n, _ := doc.get("expires"); expires && served && o.Expires.Before(o.Served) {
		d.addf(n.at, n.path, "before it was served")
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

func (d *decoder) account(n *node) (a Account) {
	o, ok := d.object(n, "account", "start", "end", "zone", "entire", "categories")
	if !ok {
		return a
	}
	a.Name, _ = needChecked(o, "account", readAccount)
	if c, ok := o.get("categories"); ok {
		if a.Categories = d.categories(c); a.Categories == nil {
			a.Categories = []Category{} // faulty, and reported: not the order's
		}
	}
	zone, hasZone := optionalChecked(o, "zone", readZone)
	if hasZone {
		a.Zone = zone.String()
	} else if hasField(o, "zone") {
		return a // its dates have no meaning
	}
	if e, ok := o.get("entire"); ok {
		a.Entire = d.truth(e)
	}
	if !a.Entire {
		d.span(o, &a, zone)
		return a
	}
	a.span = Span{Entire: true}
	for _, name := range []string{"start", "end"} {
		if n, ok := o.get(name); ok {
			d.addf(n.at, n.path, "stands beside entire: true; one of them only")
		}
	}
	return a
}

func hasField(o object, name string) bool {
	_, ok := o.get(name)
	return ok
}

func (d *decoder) truth(n *node) bool {
	switch {
	case (n.kind == plain || n.kind == boolean) && n.text == "true":
		return true
	case (n.kind == plain || n.kind == boolean) && n.text == "false":
	case n.kind == null:
		d.kindError(n, boolean)
	case n.kind != invalid:
		d.addf(n.at, n.path, "neither true nor false")
	}
	return false
}

// span reads start and end. A zone is wanted only by bare dates.
func (d *decoder) span(o object, a *Account, zone *time.Location) {
	var from, last time.Time
	read := func(to *string, t *time.Time, side edge) func(string) (string, error) {
		return func(s string) (_ string, err error) {
			*to = s
			*t, err = readEdge(s, side, zone)
			return s, err
		}
	}
	_, okStart := needChecked(o, "start", read(&a.Start, &from, dayStart))
	_, okEnd := needChecked(o, "end", read(&a.End, &last, dayEnd))
	if !okStart || !okEnd {
		return
	}
	if last.Before(from) {
		n, _ := o.get("end")
		d.addf(n.at, n.path, "before the start")
		return
	}
	a.span = Span{From: from, Until: last.Add(time.Second)}
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
	o, ok := d.object(n, "file", "sha256")
	if !ok {
		return i
	}
	i.File, _ = needChecked(o, "file", readFileName)
	i.SHA256, _ = needChecked(o, "sha256", readSHA256)
	return i
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
