package main

import (
	"context"
	"fmt"
	"strings"

	"exhibit/export"
	"exhibit/sign/policy"
)

// pending finds the proposed policy of a digest, or of how one begins.
func (c *policyChange) pending(s *session) (found policy.Pending, err error) {
	n := 0
	for _, p := range s.authority.PendingPolicies {
		if strings.HasPrefix(p.Digest.String(), c.confirm) {
			found = p
			n++
		}
	}
	switch {
	case n > 1:
		return found, fmt.Errorf("%d policies of a digest that begins with %s wait for a second admin: give more digits", n, c.confirm)
	case n == 0 && s.authority.Policy != nil && strings.HasPrefix(s.authority.Policy.Digest.String(), c.confirm):
		return found, fmt.Errorf("policy %d is in force already: %w", s.authority.Policy.Serial, export.ErrNotPending)
	case n == 0:
		return found, fmt.Errorf("policy %s: %w", c.confirm, export.ErrNotPending)
	}
	return found, nil
}

// confirmIn confirms a proposed policy as the second admin.
func (c *policyChange) confirmIn(ctx context.Context, s *session) error {
	p, err := c.pending(s)
	if err != nil {
		return err
	}
	changes := policyChanges(s.inForce(), &p.Policy)
	s.say("policy %d, digest %s, signed %s by %s", p.Serial, p.Digest, p.Time, s.adminText(p.Signer))
	s.sayChanges(&p.Policy)
	admin, err := s.signer(ctx, c.as)
	if err != nil {
		return err
	}
	if err := s.authority.ConfirmPolicy(ctx, p.Digest, admin, c.app.env.now()); err != nil {
		return err
	}
	if s.authority, err = s.provider.Load(ctx, c.app.env.now()); err != nil {
		return err
	}
	if s.authority.Policy == nil || s.authority.Policy.Digest != p.Digest {
		return fmt.Errorf("policy %s: %w", p.Digest, errNotTaken)
	}
	r := s.policyInWords()
	r.Changes = changes
	return c.app.print(r)
}
