package policy

// A Regime is a kind of legal order with its clocks (FORMAT section 6).
type Regime struct {
	// Name is as orders name it.
	Name string `json:"name"`
	// Title says what it is, and Source where its periods are read.
	Title  string `json:"title"`
	Source string `json:"source"`
	// Confirmed says that counsel, or a reading of the source, confirms the
	// periods; if not, they are from memory.
	Confirmed bool `json:"confirmed"`
	// Due is when data is due, from receipt. Empty: the order's own date alone.
	Due []Period `json:"due"`
	// Hold is for how long from receipt nothing may leave when the order says
	// that an enforcing authority was notified. Empty: there is no such authority.
	Hold []Period `json:"hold"`
	// Objection is for how long from receipt an authority may still object after
	// the data has left.
	Objection []Period `json:"objection"`
	// NoticeDelay is by how much telling the user is put off at a time.
	NoticeDelay []Period `json:"notice_delay"`
	// Preservation is for how long data is preserved on request; Again is by how
	// much that can be prolonged.
	Preservation []Period `json:"preservation"`
	// Subscriber names the list of columns that subscriber records may have
	// (export/FORMAT.md, section 6.2); nil: none are disclosed.
	Subscriber *string `json:"subscriber"`
}

// A Period is a length of time for orders of one priority.
type Period struct {
	// Priority is nil for all that have no period of their own.
	Priority *string `json:"priority"`
	Hours    int64   `json:"hours"`
	// Again is the hours of a prolongation, or nil.
	Again *int64 `json:"again"`
}

// For returns the period for orders of that priority: their own, otherwise the
// one for all that have none of their own; false if there is neither.
func For(periods []Period, priority string) (Period, bool) {
	var all Period
	found := false
	for _, p := range periods {
		switch {
		case p.Priority == nil:
			all, found = p, true
		case *p.Priority == priority:
			return p, true
		}
	}
	return all, found
}
