package dir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"exhibit/store"
)

// Names that no key can have, because of the tilde.
const (
	ownFolder  = ".store~"
	lockName   = ownFolder + "/lock"
	tempPrefix = "tmp-"
)

// temp is a temporary file, locked as long as it is open.
type temp struct {
	s    *Store
	f    *os.File
	name string
}

// newTemp makes a temporary file, and cleans up after crashed writers once.
func (s *Store) newTemp() (*temp, error) {
	if err := s.makeOwn(); err != nil {
		return nil, err
	}
	s.sweepOnce()
	for range 10 {
		name := ownFolder + "/" + tempPrefix + rand.Text()
		f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		t := &temp{s: s, f: f, name: name}
		// Until it is locked, the sweep of another process may remove it.
		if err := waitLock(f); err != nil {
			t.remove()
			return nil, fmt.Errorf("locking: %w", err)
		}
		if t.named() {
			return t, nil
		}
		f.Close()
	}
	return nil, errors.New("temporary files vanish as they are made")
}

// named reports whether the file still has its name.
func (t *temp) named() bool {
	open, err := t.f.Stat()
	if err != nil {
		return false
	}
	there, err := t.s.root.Lstat(t.name)
	return err == nil && os.SameFile(open, there)
}

// remove removes the temporary name, if it is still there, and closes the
// file. A failure leaves what the next sweep removes.
func (t *temp) remove() {
	t.s.root.Remove(t.name)
	t.f.Close()
}

func (s *Store) makeOwn() error {
	err := s.root.Mkdir(ownFolder, 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return s.refuse("open", "", store.ErrNoStore, errors.New("the folder was removed"))
	}
	return err
}

func (s *Store) openLock() (*os.File, error) {
	if err := s.makeOwn(); err != nil {
		return nil, err
	}
	return s.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
}

// sweepOnce removes the temporary files that no living writer locks. It does
// what it can: what stays does no harm but take space.
func (s *Store) sweepOnce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swept {
		return
	}
	s.swept = true
	entries, err := s.readFolder(ownFolder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempPrefix) && entry.Type().IsRegular() {
			s.sweep(ownFolder + "/" + entry.Name())
		}
	}
}

func (s *Store) sweep(name string) {
	f, err := s.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if ok, err := tryLock(f); err == nil && ok {
		s.root.Remove(name)
	}
}

// flush makes a file or folder durable. File systems that cannot flush a
// folder need not, and those mounted read-only have nothing to flush.
func flush(f *os.File) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EROFS) {
		if st, statErr := f.Stat(); statErr == nil && (st.IsDir() || errors.Is(err, syscall.EROFS)) {
			return nil
		}
	}
	return err
}
