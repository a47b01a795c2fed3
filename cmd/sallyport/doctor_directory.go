package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"sallyport/directory"
	"sallyport/login"
)

// probeName is searched for; nobody is called that.
const probeName = "sallyport-doctor"

// directories asks each server of each directory.
func (d doctor) directories(ctx context.Context) {
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Directories)) {
		table := d.cfg.Directories[name]
		if table.Type != "ldap" {
			d.ok("directory."+name, "local: it asks no server")
			continue
		}
		for _, url := range table.URLs {
			one := table
			one.URLs = []string{url}
			d.directoryServer(ctx, name, one)
		}
	}
}

// directoryServer asks the one server of a table: it binds as the service account and searches, as a
// login does; without that account it is asked for a sign of life.
func (d doctor) directoryServer(ctx context.Context, name string, table directory.Config) {
	subject := "directory." + name + " " + table.URLs[0]
	began := d.now()
	opened, err := directory.New(name, table, directory.Deps{Logger: d.log, Now: d.now})
	if err != nil {
		d.fail(subject, err.Error(), "Correct the table: \"sallyport check-config\".")
		return
	}
	if c, ok := opened.(io.Closer); ok {
		defer c.Close()
	}
	if table.BindDN == "" {
		if r, ok := opened.(reporter); ok {
			err = r.Ready(ctx)
		}
		d.directoryAnswer(subject, "answers in "+d.sinceText(began)+"; there is no bind_dn to search with", err)
		return
	}
	_, err = opened.Find(ctx, probeName)
	if errors.Is(err, login.ErrNoUser) {
		err = nil // it was searched
	}
	d.directoryAnswer(subject, "bound and searched in "+d.sinceText(began), err)
}

func (d doctor) directoryAnswer(subject, good string, err error) {
	if err == nil {
		d.ok(subject, "%s", good)
		return
	}
	d.fail(subject, err.Error(), "Check the address and port, the certificate (ca_file, server_name), bind_dn with its password, and base_dn.")
}
