package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// keyWaits is the state of a key that one admin has proposed.
const keyWaits = "waits for a second admin"

// keyRow is one key as list and show print it.
type keyRow struct {
	Name        string       `json:"name"`
	Holder      string       `json:"holder"`
	Kind        sign.KeyKind `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	Roles       []sign.Role  `json:"roles"`
	ValidFrom   sign.Time    `json:"valid_from"`
	ValidUntil  *sign.Time   `json:"valid_until"`
	Root        bool         `json:"root"`
	State       string       `json:"state"`
	// ProposedBy and ConfirmedBy are the admins' fingerprints; null: of a root, or
	// while it waits. Since is the time from which it counts.
	ProposedBy  string     `json:"proposed_by"`
	ConfirmedBy *string    `json:"confirmed_by"`
	Since       *sign.Time `json:"since"`
	// ReplacedBy is the fingerprint of the key that has its name now, or null.
	ReplacedBy  *string    `json:"replaced_by"`
	VerifiedBy  string     `json:"verified_by"`
	VerifiedHow string     `json:"verified_how"`
	VerifiedAt  *sign.Time `json:"verified_at"`
	PublicKey   string     `json:"public_key,omitempty"`
	Warnings    []string   `json:"warnings"`

	proposer, confirmer string // in words
}

// rowOfEntry is what an entry says of a key.
func (s *session) rowOfEntry(e keyring.Entry) keyRow {
	r := keyRow{
		Name: e.Name, Holder: e.Holder, Kind: e.Kind, Fingerprint: e.Fingerprint, Roles: e.Roles,
		ValidFrom: e.ValidFrom, ValidUntil: e.ValidUntil, ProposedBy: e.Signer, Warnings: []string{}, proposer: s.adminText(e.Signer),
	}
	if e.Verified != nil {
		r.VerifiedBy, r.VerifiedHow, r.VerifiedAt = e.Verified.By, e.Verified.How, &e.Verified.At
	}
	if e.PublicKey == nil || !slices.Contains(e.Roles, sign.Agency) {
		return r
	}
	m, err := readKey([]byte(*e.PublicKey), e.Roles, s.env.now())
	r.Warnings = append(r.Warnings, m.warnings...)
	if err != nil {
		r.Warnings = append(r.Warnings, err.Error())
	}
	return r
}

// rowOf is a key that two admins have enrolled, or a root.
func (s *session) rowOf(k keyring.Key) keyRow {
	r := s.rowOfEntry(k.Entry)
	r.Root, r.Since, r.State = k.Root, &k.Since, stateOf(k, s.env.now())
	if k.ConfirmedBy != "" {
		r.ConfirmedBy, r.confirmer = &k.ConfirmedBy, s.adminText(k.ConfirmedBy)
	}
	if now, err := s.authority.Keys.Key(k.Entry.Name); err == nil && now.Entry.Fingerprint != k.Entry.Fingerprint {
		r.ReplacedBy = &now.Entry.Fingerprint
	}
	return r
}

// rowOfPending is a key that one admin has proposed.
func (s *session) rowOfPending(p keyring.Pending) keyRow {
	r := s.rowOfEntry(p.Entry)
	r.State = keyWaits
	return r
}

func stateOf(k keyring.Key, now time.Time) string {
	switch at := sign.At(now); {
	case k.Revoked != nil:
		state := "revoked " + k.Revoked.Time.String()
		if k.Revoked.Reason != nil {
			state += ": " + *k.Revoked.Reason
		}
		return state
	case at.Before(k.From()):
		return "not yet valid"
	case k.Entry.ValidUntil != nil && !at.Before(*k.Entry.ValidUntil):
		return "expired"
	}
	return "valid"
}

// rows are all keys of the keyring, and those that wait, by name.
func (s *session) rows() []keyRow {
	list := []keyRow{}
	for _, k := range s.authority.Keys.All() {
		list = append(list, s.rowOf(k))
	}
	for _, p := range s.authority.Keys.Pending() {
		list = append(list, s.rowOfPending(p))
	}
	slices.SortStableFunc(list, func(a, b keyRow) int { return strings.Compare(a.Name, b.Name) })
	return list
}

type keyList struct {
	Keys []keyRow `json:"keys"`
}

func (l keyList) text(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tHOLDER\tROLES\tKIND\tSTATE\tFINGERPRINT")
	for _, k := range l.Keys {
		lines := fingerprintLines(k.Fingerprint)
		state := oneLine(k.State)
		if k.ReplacedBy != nil {
			state += ", replaced"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, oneLine(k.Holder), joinRoles(k.Roles), k.Kind, state, lines[0])
		for _, more := range lines[1:] {
			fmt.Fprintf(t, "\t\t\t\t\t%s\n", more)
		}
	}
	t.Flush()
	for _, k := range l.Keys {
		for _, warning := range k.Warnings {
			fmt.Fprintf(w, "warning: %s: %s\n", k.Name, oneLine(warning))
		}
	}
}

// fingerprintLines is a fingerprint in groups, a long one on two lines.
func fingerprintLines(fp string) []string {
	groups := strings.Fields(keyring.FormatFingerprint(fp))
	if len(groups) <= 10 {
		return []string{strings.Join(groups, " ")}
	}
	half := (len(groups) + 1) / 2
	return []string{strings.Join(groups[:half], " "), strings.Join(groups[half:], " ")}
}

func joinRoles(roles []sign.Role) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return strings.Join(s, ",")
}

func newKeysList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list all keys, past and proposed ones included",
		Long: `keys list shows every key that was ever enrolled, what it is for and whether it is
valid, revoked, expired or replaced, and the keys that one admin has proposed and that
wait for a second one: those are good for nothing yet.`,
		Example: "  exhibit keys list --json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.onlooker(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(keyList{Keys: s.rows()})
		},
	}
}

func (k keyRow) text(w io.Writer) {
	fmt.Fprintf(w, "name         %s\n", k.Name)
	fmt.Fprintf(w, "holder       %s\n", oneLine(k.Holder))
	fmt.Fprintf(w, "roles        %s\n", joinRoles(k.Roles))
	fmt.Fprintf(w, "kind         %s\n", k.Kind)
	fmt.Fprintf(w, "fingerprint  %s\n", keyring.FormatFingerprint(k.Fingerprint))
	fmt.Fprintf(w, "valid from   %s\n", k.ValidFrom)
	if k.ValidUntil != nil {
		fmt.Fprintf(w, "valid until  %s\n", k.ValidUntil)
	}
	fmt.Fprintf(w, "state        %s\n", oneLine(k.State))
	if k.ReplacedBy != nil {
		fmt.Fprintf(w, "replaced by  %s\n", keyring.FormatFingerprint(*k.ReplacedBy))
	}
	fmt.Fprintf(w, "verified by  %s: %s\n", oneLine(k.VerifiedBy), oneLine(k.VerifiedHow))
	if k.VerifiedAt != nil {
		fmt.Fprintf(w, "verified at  %s\n", k.VerifiedAt)
	}
	fmt.Fprintf(w, "proposed by  %s\n", k.proposer)
	switch {
	case k.ConfirmedBy != nil:
		fmt.Fprintf(w, "confirmed    %s by %s\n", k.Since, k.confirmer)
	case k.Root:
		fmt.Fprintf(w, "confirmed    by nobody: it is pinned in exhibit.yaml\n")
	}
	for _, warning := range k.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
}

// keyShown is the key that has a name now, and the others of that name.
type keyShown struct {
	keyRow
	Others []keyRow `json:"others"`
}

func (k keyShown) text(w io.Writer) {
	k.keyRow.text(w)
	for _, other := range k.Others {
		fmt.Fprintln(w)
		other.text(w)
	}
}

// publicKey prints nothing but the key, for redirection.
type publicKey struct{ key string }

func (k publicKey) text(w io.Writer) { fmt.Fprintln(w, strings.TrimRight(k.key, "\n")) }
func (k publicKey) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"public_key": k.key})
}

func newKeysShow(a *app) *cobra.Command {
	var public bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "show one key, with the fingerprint in groups to read out",
		Long: `keys show prints what the keyring says of a name: the key that has it, who made sure
whose it is and how, who proposed and who confirmed it; then keys that had the name
before, and those that are proposed for it and wait for a second admin.`,
		Example: `  exhibit keys show provider
  exhibit keys show provider --public > provider.asc`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeyName(cmd, args[0]); err != nil {
				return err
			}
			s, err := a.onlooker(cmd.Context())
			if err != nil {
				return err
			}
			if public {
				return s.showPublic(args[0])
			}
			return s.showKey(args[0])
		},
	}
	cmd.Flags().BoolVar(&public, "public", false, "print the public key and nothing else")
	return cmd
}

// showPublic prints an enrolled key; one that is proposed is for nobody to use.
func (s *session) showPublic(name string) error {
	k, err := s.authority.Keys.Key(name)
	if err != nil {
		return err
	}
	return s.print(publicKey{*k.Entry.PublicKey})
}

func (s *session) showKey(name string) error {
	var rows []keyRow
	last, err := s.authority.Keys.Key(name)
	if err == nil {
		rows = append(rows, s.rowOf(last))
		rows[0].PublicKey = *last.Entry.PublicKey
	}
	for _, k := range slices.Backward(s.authority.Keys.All()) {
		if k.Entry.Name == name && k.Leaf != last.Leaf {
			rows = append(rows, s.rowOf(k))
		}
	}
	for _, p := range slices.Backward(s.authority.PendingKeys(name)) {
		row := s.rowOfPending(p)
		row.PublicKey = *p.Entry.PublicKey
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return err
	}
	return s.print(keyShown{rows[0], append([]keyRow{}, rows[1:]...)})
}
