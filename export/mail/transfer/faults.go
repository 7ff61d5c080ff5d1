package transfer

// faults keeps the first fault of each kind.
type faults struct {
	found [FaultEscape + 1]bool
	at    [FaultEscape + 1]int64
}

func (f *faults) has(kind FaultKind) bool { return f.found[kind] }

// add records a fault, if it lies before what is known of its kind.
func (f *faults) add(kind FaultKind, at int64) {
	if !f.found[kind] || at < f.at[kind] {
		f.found[kind], f.at[kind] = true, at
	}
}

// list returns the faults in the order of their kinds.
func (f *faults) list() []Fault {
	var list []Fault
	for kind, found := range f.found {
		if found {
			list = append(list, Fault{Kind: FaultKind(kind), Offset: f.at[kind]})
		}
	}
	return list
}
