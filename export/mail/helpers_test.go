package mail_test

import (
	"errors"

	"exhibit/export/mail"
)

// collector is a sink that keeps everything.
type collector struct {
	items []mail.Item
	gaps  []mail.Gap
	files []mail.File
	order []string // paths in the order in which they came
}

func (c *collector) Item(it mail.Item) error {
	c.items = append(c.items, it)
	return nil
}

func (c *collector) Gap(g mail.Gap) error {
	c.gaps = append(c.gaps, g)
	return nil
}

func (c *collector) File(f mail.File) error {
	c.files = append(c.files, f)
	c.order = append(c.order, f.Path)
	return nil
}

func asError[T error](err error, target *T) bool { return errors.As(err, target) }
