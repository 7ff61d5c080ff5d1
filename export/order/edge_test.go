package order

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Every day of some years, in zones of every temper, is either refused or all
// the seconds for which clocks show that date: the calendar decides.
func TestEveryDayIsItsDate(t *testing.T) {
	for _, name := range []string{
		"Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe",
		"Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "America/Sao_Paulo", "Antarctica/Troll", "Asia/Gaza",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, year := range []int{2011, 2018, 2026} {
			for day := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == year; day = day.AddDate(0, 0, 1) {
				date := day.Format(time.DateOnly)
				from, errFrom := parseEdge(date, dayStart, zone)
				last, errLast := parseEdge(date, dayEnd, zone)
				if errFrom != nil || errLast != nil {
					refused++
					continue
				}
				shown := fmt.Sprint(from.In(zone).Format(time.DateOnly), last.In(zone).Format(time.DateOnly))
				outside := fmt.Sprint(from.Add(-1).In(zone).Format(time.DateOnly), last.Add(time.Second).In(zone).Format(time.DateOnly))
				if shown != fmt.Sprint(date, date) || strings.Contains(outside, date) {
					t.Fatalf("%s in %s: %s to %s", date, name, from, last)
				}
			}
		}
		if refused > 8 {
			t.Errorf("%s: %d days refused", name, refused)
		}
	}
}
