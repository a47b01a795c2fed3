package main

import (
	"context"
	"fmt"

	"sallyport/cluster"
	"sallyport/factors/totp"
)

// registerDemoPeople stores what people have registered before the demo begins, unless an earlier demo
// did.
func (d *daemon) registerDemoPeople(ctx context.Context) error {
	for _, p := range demoPeople() {
		if p.address == "" {
			continue
		}
		if err := d.registerDemoPerson(ctx, p); err != nil {
			return fmt.Errorf("register %s: %w", p.name, err)
		}
	}
	return nil
}

func (d *daemon) registerDemoPerson(ctx context.Context, p demoPerson) error {
	id, err := d.demoUserID(ctx, p.name)
	if err != nil {
		return err
	}
	enrolment, err := d.state.Enrolment(ctx, id)
	if err != nil || enrolment.Credentials[p.factor()].Registered() {
		return err
	}
	record := []byte(p.address) // of a sent code, the address is the record
	if p.factor() == totp.Name {
		if record, err = totp.ParseKey(p.address); err != nil {
			return err
		}
	}
	return d.state.Register(ctx, cluster.Registration{UserID: id, Name: p.name, Factor: p.factor(), Record: record})
}

func (d *daemon) demoUserID(ctx context.Context, name string) (string, error) {
	u, err := d.logins.finders()["demo"].Find(ctx, name)
	return u.ID, err
}
