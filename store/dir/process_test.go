package dir_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"exhibit/store"
	"exhibit/store/dir"
)

// The test binary is its own helper: with this variable it runs one of the
// roles below, on the store at the path that follows, instead of the tests.
const roleVariable = "EXHIBIT_DIR_TEST_ROLE"

var roles = map[string]func(ctx context.Context, path string) error{
	"count": roleCount,
	"write": roleWrite,
	"full":  roleFull,
}

func TestMain(m *testing.M) {
	name, path, ok := strings.Cut(os.Getenv(roleVariable), ":")
	if !ok {
		os.Exit(m.Run())
	}
	if err := roles[name](context.Background(), path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// helper is a process in a role.
func helper(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role+":"+path)
	return cmd
}

const counts = 25

// roleCount adds one, counts times.
func roleCount(ctx context.Context, path string) error {
	s, err := dir.Open(path)
	if err != nil {
		return err
	}
	for done := 0; done < counts; {
		data, info, err := s.Load(ctx, "count")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		_, err = s.Replace(ctx, "count", []byte(strconv.Itoa(n+1)), info.Tag)
		if err == nil {
			done++
		} else if !errors.Is(err, store.ErrChanged) {
			return err
		}
	}
	return nil
}

// TestReplaceAmongProcesses: no increment is lost.
func TestReplaceAmongProcesses(t *testing.T) {
	s := create(t)
	if _, err := s.Replace(t.Context(), "count", []byte("0"), ""); err != nil {
		t.Fatal(err)
	}
	var processes []*exec.Cmd
	for range 3 {
		cmd := helper(t, "count", s.String())
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes = append(processes, cmd)
	}
	for _, cmd := range processes {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	data, _, err := s.Load(t.Context(), "count")
	if want := strconv.Itoa(3 * counts); err != nil || string(data) != want {
		t.Errorf("count is %s, %v, want %s", data, err, want)
	}
}

// roleWrite creates and replaces objects until it is killed, and prints the
// key of each that was acknowledged.
func roleWrite(ctx context.Context, path string) error {
	s, err := dir.Open(path)
	if err != nil {
		return err
	}
	tag := store.Tag("")
	if _, info, err := s.Load(ctx, "head"); err == nil {
		tag = info.Tag
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("%d/%d/object", os.Getpid(), i)
		if _, err := s.Create(ctx, key, bytes.NewReader(content(key)), -1); err != nil {
			return err
		}
		info, err := s.Replace(ctx, "head", content(key), tag)
		if err != nil {
			return err
		}
		tag = info.Tag
		fmt.Println(key)
	}
}

// content is what an object of that key holds: its key, and its own digest.
func content(key string) []byte {
	body := bytes.Repeat([]byte(key+"\n"), 3000)
	sum := sha256.Sum256(body)
	return append(body, sum[:]...)
}

// whole reports whether data is some content.
func whole(data []byte) bool {
	key, _, ok := bytes.Cut(data, []byte("\n"))
	return ok && bytes.Equal(data, content(string(key)))
}

// TestKilled (invariant 10): after kill -9 at any moment what was acknowledged
// is there, what is there is whole, and the next write cleans up.
func TestKilled(t *testing.T) {
	ctx := t.Context()
	s := create(t)
	acknowledged := map[string]bool{}
	for round := range 12 {
		cmd := helper(t, "write", s.String())
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged[lines.Text()] = true
			if n == round {
				cmd.Process.Kill() // what it still had said is read all the same
			}
		}
		cmd.Wait()
	}
	found := map[string]bool{}
	for info, err := range s.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		found[info.Key] = true
		data, err := store.ReadAll(ctx, s, info.Key, 1<<20)
		if err != nil || !whole(data) {
			t.Errorf("%s is not whole: %d bytes, %v", info.Key, len(data), err)
		}
	}
	for key := range acknowledged {
		if !found[key] {
			t.Errorf("%s was acknowledged, and is not there", key)
		}
	}
	if len(acknowledged) < 12 {
		t.Errorf("only %d writes were acknowledged", len(acknowledged))
	}
	after, err := dir.Open(s.String())
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if _, err := after.Create(ctx, "after", strings.NewReader("x"), 1); err != nil {
		t.Error(err)
	}
	if _, info, err := after.Load(ctx, "head"); err != nil {
		t.Error(err)
	} else if _, err := after.Replace(ctx, "head", []byte("next"), info.Tag); err != nil {
		t.Errorf("the lock of a dead process is still held: %v", err)
	}
	wantClean(t, after)
}

// roleFull runs on a small file system of its own (see full_linux_test.go).
func roleFull(ctx context.Context, path string) error {
	s, err := dir.Create(path)
	if err != nil {
		return err
	}
	head, err := s.Replace(ctx, "head", []byte("1"), "")
	if err != nil {
		return err
	}
	_, err = s.Create(ctx, "a/large", io.LimitReader(zeros{}, 4<<20), -1)
	if !errors.Is(err, store.ErrNoSpace) {
		return fmt.Errorf("create on a full medium: %v", err)
	}
	_, err = s.Replace(ctx, "head", make([]byte, store.MaxReplace), head.Tag)
	if !errors.Is(err, store.ErrNoSpace) {
		return fmt.Errorf("replace on a full medium: %v", err)
	}
	if _, err := os.Stat(path + "/a"); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("a folder was left: %v", err)
	}
	if _, err := s.Create(ctx, "small", strings.NewReader("fits again"), -1); err != nil {
		return fmt.Errorf("after the failures: %w", err)
	}
	if err := makeReadOnly(path); err != nil {
		return err
	}
	_, err = s.Create(ctx, "more", strings.NewReader("x"), -1)
	if !errors.Is(err, store.ErrReadOnly) {
		return fmt.Errorf("create on a read-only medium: %v", err)
	}
	_, err = s.Replace(ctx, "head", []byte("2"), head.Tag)
	if !errors.Is(err, store.ErrReadOnly) {
		return fmt.Errorf("replace on a read-only medium: %v", err)
	}
	// Reading, and finding that an object exists, need no writing.
	if data, _, err := s.Load(ctx, "head"); err != nil || string(data) != "1" {
		return fmt.Errorf("load from a read-only medium: %q, %w", data, err)
	}
	if _, err := store.CreateIdempotent(ctx, s, "small", []byte("fits again")); err != nil {
		return fmt.Errorf("repeated create on a read-only medium: %w", err)
	}
	if data, err := store.ReadAll(ctx, s, "small", 100); err != nil || string(data) != "fits again" {
		return fmt.Errorf("read from a read-only medium: %q, %w", data, err)
	}
	return listError(s)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
