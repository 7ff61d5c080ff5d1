package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"exhibit/export/open"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// maxTrust bounds a trust file in bytes.
const maxTrust = 4 << 20

// readTrust reads the keys that the user pins.
func readTrust(verb, path string) (*detached.PublicKeys, error) {
	if path == "" {
		return nil, usagef("exhibit %s: --trust FILE is needed: the provider's OpenPGP key, from a place that you trust", verb)
	}
	data, err := readFile(path, maxTrust)
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	keys, err := detached.ParsePublicKeys(data)
	if err != nil {
		return nil, fmt.Errorf("trust: %s: %w", path, err)
	}
	return keys, nil
}

// verified is a report of open.Verify for people.
type verified struct {
	*open.Report
	Opened string `json:"opened,omitempty"`
}

func (v verified) text(w io.Writer) {
	if v.Opened != "" {
		fmt.Fprintf(w, "opened package %s into %s\n", v.Package, v.Opened)
	} else {
		fmt.Fprintf(w, "package %s verifies\n", v.Package)
	}
	fmt.Fprintf(w, "  signed by   %s\n", keyring.FormatFingerprint(v.Signer))
	fmt.Fprintf(w, "  signed at   %s, by the signer's own clock\n", v.SignedAt)
	fmt.Fprintf(w, "  items       %d included, %d withheld, %d in the sources; %d not normalized\n", v.Counts.Included, v.Counts.Withheld, v.Counts.Source, v.Counts.Exceptions)
	fmt.Fprintf(w, "  objects     %d, %s\n", len(v.Objects), bytesText(v.Bytes))
	if v.Supersedes != "" {
		fmt.Fprintf(w, "  supersedes  %s\n", v.Supersedes)
	}
	findings(w, v.Findings)
}

func findings(w io.Writer, f open.Findings) {
	for _, s := range f.Checked {
		fmt.Fprintf(w, "checked: %s\n", oneLine(s))
	}
	for _, s := range f.NotChecked {
		fmt.Fprintf(w, "NOT checked: %s\n", oneLine(s))
	}
	for _, s := range f.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(s))
	}
}

func newVerify(a *app) *cobra.Command {
	var trust, expect string
	cmd := &cobra.Command{
		Use:   "verify PACKAGE",
		Short: "verify a package without decrypting it",
		Long: `verify checks a package against the provider's key: its signatures, every object's
size and digest, and that its numbers add up. It needs no secret key and reads no
content. PACKAGE is a folder or s3://bucket/prefix/packages/ID.

It fails, with exit code 4, unless everything that must hold does. What was not
checked is said in the result.`,
		Example: `  exhibit verify PACKAGE --trust provider.asc --expect 4b1d…`,
		Args:    exactly("PACKAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			expect, err := expectFlag(cmd, expect)
			if err != nil {
				return err
			}
			if err := checkAddress(args[0], packageRule); err != nil {
				return err
			}
			keys, err := readTrust("verify", trust)
			if err != nil {
				return err
			}
			src, err := a.source(ctx, args[0])
			if err != nil {
				return err
			}
			m := a.meter("verifying", -1)
			defer m.done()
			report, err := open.Verify(ctx, src, keys, open.Options{Expect: expect, Now: a.env.now(), Progress: m.add})
			if err != nil {
				return misplaced(args[0], err)
			}
			m.done()
			return a.print(verified{Report: report})
		},
	}
	cmd.Flags().StringVar(&trust, "trust", "", "the provider's OpenPGP key")
	cmd.Flags().StringVar(&expect, "expect", "", "the id that the package must have, as the provider told it")
	return cmd
}

// bagVerified is a report of open.CheckBag for people.
type bagVerified struct{ *open.BagReport }

func (v bagVerified) text(w io.Writer) {
	fmt.Fprintf(w, "bag of package %s verifies\n", v.Package)
	fmt.Fprintf(w, "  signed by  %s\n", keyring.FormatFingerprint(v.Signer))
	fmt.Fprintf(w, "  provider   %s\n  order      %s\n  agency     %s\n", oneLine(v.Provider), oneLine(v.Reference), oneLine(v.Agency))
	fmt.Fprintf(w, "  items      %d included, %d withheld, %d in the sources; %d not normalized\n", v.Counts.Included, v.Counts.Withheld, v.Counts.Source, v.Counts.Exceptions)
	findings(w, v.Findings)
}

func newVerifyBag(a *app) *cobra.Command {
	var trust, expect string
	cmd := &cobra.Command{
		Use:   "verify-bag DIR",
		Short: "verify an opened bag, years later",
		Long: `verify-bag checks a folder that was opened from a package: the signature over its
lists, every file, every record of the index, and that all counts add up.`,
		Example: `  exhibit verify-bag opened --trust provider.asc
  exhibit verify-bag opened --trust provider.asc --expect 4b1d…`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			expect, err := expectFlag(cmd, expect)
			if err != nil {
				return err
			}
			keys, err := readTrust("verify-bag", trust)
			if err != nil {
				return err
			}
			root, err := os.OpenRoot(args[0])
			if err != nil {
				return plainPathError(err)
			}
			defer root.Close()
			m := a.meter("verifying", -1)
			defer m.done()
			report, err := open.CheckBag(cmd.Context(), root.FS(), keys, open.Options{Expect: expect, Now: a.env.now(), Progress: m.add})
			if err != nil {
				return misplaced(args[0], err)
			}
			m.done()
			return a.print(bagVerified{report})
		},
	}
	cmd.Flags().StringVar(&trust, "trust", "", "the provider's OpenPGP key")
	cmd.Flags().StringVar(&expect, "expect", "", "the id of the package that the bag must be of, as the provider told it")
	return cmd
}
