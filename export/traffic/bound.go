package traffic

import (
	"github.com/go-json-experiment/json"

	"exhibit/export/bag"
)

// maxLine bounds a record, in bytes of its line: its file has an LF more.
const maxLine = bag.MaxRecord - 1

// spare is more than the names of all members take in `incomplete`.
const spare = 256

// bound takes hops from the end of a record, then addresses from the end of its
// lists, the last list first, until it is short enough; it returns the members
// that something was taken from.
func bound(r *bag.TrafficRecord) (cut []string) {
	over := size(r) + spare - maxLine
	if over <= 0 {
		return nil
	}
	r.Route, over = shorten(r.Route, over, func() { cut = append(cut, route) })
	for _, l := range []struct {
		name string
		list *[]string
	}{
		{deliveredTo, &r.DeliveredTo}, {bcc, &r.Bcc}, {cc, &r.Cc}, {to, &r.To},
		{returnPath, &r.ReturnPath}, {sender, &r.Sender}, {from, &r.From},
	} {
		*l.list, over = shorten(*l.list, over, func() { cut = append(cut, l.name) })
	}
	return cut
}

// shorten takes elements from the end of a list until it is shorter by so many
// bytes, and returns how many are still to be saved. It calls cut once if it took any.
func shorten[T any](list []T, over int, cut func()) ([]T, int) {
	n := len(list)
	for n > 0 && over > 0 {
		n--
		over -= size(list[n])
	}
	if n < len(list) {
		cut()
	}
	return list[:n], over
}

// size returns how many bytes of JSON v takes in line form. All that a record
// holds can be written.
func size(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return bag.MaxRecord
	}
	return len(text)
}
