package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"exhibit/sign"
)

// ErrName says that a name is not that of a volume.
var ErrName = errors.New("not the name of a volume")

// An Ext is the ending of a volume's name.
type Ext string

// The endings of volumes.
const (
	Age Ext = "age"
	GPG Ext = "gpg"
)

// ExtOf returns the ending of volumes that are encrypted to keys of kind k.
func ExtOf(k sign.KeyKind) Ext {
	if k == sign.OpenPGP {
		return GPG
	}
	return Age
}

// A VolumeID is what a volume's name says: its number from 1, the attempt at
// it from 1, and how it is encrypted.
type VolumeID struct {
	Number  int
	Attempt int
	Ext     Ext
}

// maxVolume bounds numbers and attempts in names: ten times the objects that
// a package may have.
const maxVolume = 10 * MaxObjects

// VolumeName returns the name of the attempt-th attempt at volume n: both
// count from 1. A name of numbers outside of 1 to 100,000 does not parse.
func VolumeName(n, attempt int, ext Ext) string {
	retry := ""
	if attempt > 1 {
		retry = fmt.Sprintf(".r%d", attempt)
	}
	return fmt.Sprintf("volume-%04d%s.tar.zst.%s", n, retry, ext)
}

var volumeName = regexp.MustCompile(`^volume-([0-9]{4,6})(?:\.r([0-9]{1,6}))?\.tar\.zst\.(age|gpg)$`)

// ParseVolumeName reads a name that VolumeName writes, in that form only.
func ParseVolumeName(name string) (VolumeID, error) {
	m := volumeName.FindStringSubmatch(name)
	if m == nil {
		return VolumeID{}, fmt.Errorf("%.80q: %w", name, ErrName)
	}
	v := VolumeID{Attempt: 1, Ext: Ext(m[3])}
	v.Number, _ = strconv.Atoi(m[1]) // at most six digits each
	if m[2] != "" {
		v.Attempt, _ = strconv.Atoi(m[2])
	}
	if v.Number < 1 || v.Number > maxVolume || v.Attempt < 1 || v.Attempt > maxVolume ||
		VolumeName(v.Number, v.Attempt, v.Ext) != name {
		return VolumeID{}, fmt.Errorf("%.80q: %w", name, ErrName)
	}
	return v, nil
}
