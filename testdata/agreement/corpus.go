package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"exhibit/export/mail"
)

const (
	messages = "eml"            // the folder of a corpus with its messages
	agreed   = "expected.jsonl" // the file of a corpus with what is agreed
)

// row is what is agreed about one message.
type row struct {
	File   string                     `json:"file"`
	Expect map[string]json.RawMessage `json:"expect"`
}

// rows reads what is agreed. That there is nothing is an error.
func rows(corpus string) (list []row, err error) {
	f, err := os.Open(filepath.Join(corpus, agreed))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", len(list)+1, agreed, err)
		}
		if !filepath.IsLocal(r.File) {
			return nil, fmt.Errorf("line %d of %s: %q is not the name of a message", len(list)+1, agreed, r.File)
		}
		list = append(list, r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", agreed, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no rows", agreed)
	}
	return list, nil
}

// items counts the items that each file of the corpus gives.
func items(ctx context.Context, corpus string) (map[string]int, error) {
	found := counter{}
	if err := mail.Read(ctx, filepath.Join(corpus, messages), mail.Options{}, found); err != nil {
		return nil, fmt.Errorf("read %s: %w", messages, err)
	}
	return found, nil
}

// counter counts items by file.
type counter map[string]int

func (c counter) Item(it mail.Item) error { c[it.Source.File]++; return nil }
func (c counter) Gap(mail.Gap) error      { return nil }
func (c counter) File(mail.File) error    { return nil }
