package policy

import (
	_ "embed"
	"fmt"

	"exhibit/sign"
)

// presets has the regimes that come with the program, each with its source, as
// a list in the form that drafts have. It is data, so that counsel can read
// and correct it.
//
//go:embed presets.json
var presets []byte

// Presets returns the regimes that come with the program, sorted by name.
// Those that are not Confirmed are for counsel to confirm first.
func Presets() []Regime {
	regimes, err := parsePresets(presets)
	if err != nil {
		panic(fmt.Sprintf("policy: presets.json, which is a part of the program: %v", err))
	}
	return regimes
}

func parsePresets(data []byte) ([]Regime, error) {
	var p Policy
	places, err := strict(data, &p.Regimes)
	if err != nil {
		return nil, err
	}
	if err := p.checkRegimes(); err != nil {
		return nil, places.refuse(err)
	}
	return p.Regimes, nil
}

// Default returns a policy to begin with: all presets, and approvals, 1 to 10,
// persons for every order. Provider, serial, time and signer are left unset.
func Default(approvals int64) Policy {
	return Policy{
		Approvals:     []Rule{{Persons: approvals}},
		Emergency:     &Emergency{Persons: 1, Hours: 24},
		HouseMinutes:  30,
		Regimes:       Presets(),
		RetentionDays: 180,
		Lock:          LockNone,
		MaxSpanDays:   3660,
		KeyKinds:      []sign.KeyKind{sign.AgeHybrid, sign.AgeSSH, sign.AgeX25519, sign.OpenPGP},
		VolumeBytes:   1 << 30,
		Padding:       true,
	}
}
