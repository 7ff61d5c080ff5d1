package subscriber

import (
	"strings"
	"testing"
)

// Names of columns are stable: tables that staff have made depend on them.
func TestLists(t *testing.T) {
	want := map[string]string{
		"eu-2023-1543": "name date_of_birth postal_address geographic_address billing_data payment_data telephone_number email_address " +
			"service_type service_start service_end registration_technical_data use_validation_data ip_address source_port timestamp technical_equivalent",
		"us-2703c2": "name address telephone_connections session_start session_end session_duration service_start service_length service_types " +
			"telephone_number instrument_number subscriber_number subscriber_identity network_address payment_means payment_source card_number bank_account_number",
	}
	all := Lists()
	if len(all) != len(want) {
		t.Fatalf("%d lists", len(all))
	}
	for _, l := range all {
		if got := strings.Join(l.names(), " "); got != want[l.Name] {
			t.Errorf("%s: %s", l.Name, got)
		}
		if again, ok := Lookup(l.Name); !ok || again.Source != l.Source {
			t.Errorf("%s is not found", l.Name)
		}
	}
	if _, ok := Lookup("none"); ok {
		t.Error("a list that is not there is found")
	}
}

// Each column names the letter or point that it comes from, and every letter
// has one.
func TestSources(t *testing.T) {
	for list, points := range map[string][]string{
		"us-2703c2":    {"(A)", "(B)", "(C)", "(D)", "(E)", "(F)"},
		"eu-2023-1543": {"Article 3(9)(a)", "Article 3(9)(b)", "Article 3(10)"},
	} {
		l, ok := Lookup(list)
		if !ok {
			t.Fatal(list)
		}
		seen := make(map[string]bool)
		for _, c := range l.Columns {
			_, point, _ := strings.Cut(c.Means, ": ")
			seen[point] = true
		}
		for _, p := range points {
			if !seen[p] {
				t.Errorf("%s: nothing of %s", list, p)
			}
			delete(seen, p)
		}
		if len(seen) > 0 {
			t.Errorf("%s: unknown points %v", list, seen)
		}
	}
}

func TestListsStrict(t *testing.T) {
	const good = `[{"name":"a","title":"A","source":"s","columns":[{"name":"x_1","means":"m"}]}]`
	if _, err := parseLists([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"unknown member": {`"title"`, `"titel":"x","title"`},
		"twice":          {`"title"`, `"title":"x","title"`},
		"letter case":    {`"title"`, `"Title"`},
		"trailing":       {`]}]`, `]}] x`},
		"list name":      {`"name":"a"`, `"name":"A"`},
		"no title":       {`"A"`, `""`},
		"no source":      {`"s"`, `""`},
		"no columns":     {`{"name":"x_1","means":"m"}`, ``},
		"column name":    {`x_1`, `x-1`},
		"column upper":   {`x_1`, `X`},
		"column blank":   {`x_1`, `x_`},
		"no meaning":     {`"m"`, `""`},
		"column twice":   {`{"name":"x_1","means":"m"}`, `{"name":"x","means":"m"},{"name":"x","means":"m"}`},
		"list twice":     {good[1 : len(good)-1], good[1:len(good)-1] + "," + good[1:len(good)-1]},
		"not sorted":     {good[1 : len(good)-1], strings.Replace(good[1:len(good)-1], `"a"`, `"b"`, 1) + "," + good[1:len(good)-1]},
	} {
		if _, err := parseLists([]byte(strings.Replace(good, c[0], c[1], 1))); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
