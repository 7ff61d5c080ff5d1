package policy_test

import (
	"reflect"
	"testing"

	"exhibit/sign/policy"
)

func TestPresets(t *testing.T) {
	type row struct {
		due, hold, objection, notice, preservation [2]int64 // hours for all, and in an emergency; -1: none
		again                                      int64    // of what can be prolonged
		confirmed                                  bool
		subscriber                                 string
	}
	no := [2]int64{-1, -1}
	want := map[string]row{
		"budapest-2ap": {[2]int64{720, 720}, no, no, no, no, -1, false, ""},
		"eu-2023-1543": {[2]int64{240, 8}, [2]int64{240, 0}, [2]int64{-1, 96}, no, [2]int64{1440, 1440}, 720, true, "eu-2023-1543"},
		"uk-cop-2019":  {[2]int64{168, 168}, no, no, no, no, -1, true, ""},
		"us-2703":      {no, no, no, no, [2]int64{2160, 2160}, 2160, false, "us-2703c2"},
		"us-ca-1524":   {no, no, no, [2]int64{2160, 2160}, no, 2160, true, ""},
	}
	hours := func(periods []policy.Period) (out [2]int64) {
		for i, priority := range []string{policy.PriorityRoutine, policy.PriorityEmergency} {
			p, ok := policy.For(periods, priority)
			if out[i] = p.Hours; !ok {
				out[i] = -1
			}
		}
		return out
	}
	got := map[string]row{}
	for _, r := range policy.Presets() {
		g := row{hours(r.Due), hours(r.Hold), hours(r.Objection), hours(r.NoticeDelay), hours(r.Preservation), -1, r.Confirmed, ""}
		for _, p := range append(r.Preservation, r.NoticeDelay...) {
			if p.Again != nil {
				g.again = *p.Again
			}
		}
		if r.Subscriber != nil {
			g.subscriber = *r.Subscriber
		}
		got[r.Name] = g
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("presets\n%+v, want\n%+v", got, want)
	}
}

// What one caller does to the presets is nothing to the next.
func TestPresetsAreCopies(t *testing.T) {
	policy.Presets()[0].Due[0].Hours = 1
	if policy.Presets()[0].Due[0].Hours == 1 {
		t.Error("presets are shared")
	}
}

func TestDefault(t *testing.T) {
	for _, n := range []int64{1, 2, 10} {
		p := policy.Default(n)
		if _, err := policy.ParseDraft(p.Draft()); err != nil {
			t.Errorf("%d approvals: %v", n, err)
		}
		if got := p.Persons("us-2703", policy.PriorityUrgent); got != n {
			t.Errorf("%d approvals: %d persons", n, got)
		}
	}
	for _, n := range []int64{0, 11} {
		if _, err := policy.ParseDraft(policy.Default(n).Draft()); err == nil {
			t.Errorf("%d approvals are taken", n)
		}
	}
}
