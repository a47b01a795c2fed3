package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"sallyport/directory"
	"sallyport/login"
)

// probeName is searched for; nobody is called that.
const probeName = "sallyport-doctor"

// ldapServer is a directory with one of its servers alone.
type ldapServer struct {
	name  string
	table directory.Config
}

// directories asks each server of each directory.
func (d doctor) directories(ctx context.Context) {
	var servers []ldapServer
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Directories)) {
		table := d.cfg.Directories[name]
		if table.Type != "ldap" {
			d.ok("directory."+name, "local: it asks no server")
			continue
		}
		for _, url := range table.URLs {
			one := table
			one.URLs = []string{url}
			servers = append(servers, ldapServer{name, one})
		}
	}
	for _, f := range atOnce(servers, func(s ldapServer) finding { return d.directoryServer(ctx, s) }) {
		d.found(f)
	}
	d.groups(ctx)
}

// groups warns of rules for groups that the directory of their policy does not have: such a rule never fits.
func (d doctor) groups(ctx context.Context) {
	named := map[string][]string{} // by directory
	for _, p := range d.cfg.Policies {
		for _, g := range p.Group {
			named[p.Directory] = append(named[p.Directory], g.Groups...)
		}
		for _, x := range p.Exempt {
			named[p.Directory] = append(named[p.Directory], x.Groups...)
		}
	}
	for _, c := range d.cfg.Clients {
		for _, r := range c.Reply {
			table := d.cfg.Policies[c.Policy].Directory
			named[table] = append(named[table], r.Groups...)
		}
	}
	for _, table := range slices.Sorted(maps.Keys(named)) {
		cfg := d.cfg.Directories[table]
		if cfg.Type == "ldap" && cfg.BindDN == "" {
			continue // nobody may search
		}
		opened, err := directory.New(table, cfg, directory.Deps{Logger: d.log, Now: d.now})
		if err != nil {
			continue // it was said of the servers
		}
		slices.Sort(named[table])
		for _, name := range slices.Compact(named[table]) {
			has, err := opened.(interface {
				HasGroup(context.Context, string) (bool, error)
			}).HasGroup(ctx, name)
			switch subject := "directory." + table; {
			case err != nil:
				d.warn(subject, fmt.Sprintf("whether there is a group %q is not known: %v", name, err), "")
			case !has:
				d.warn(subject, fmt.Sprintf("there is no group %q, so rules that name it never fit", name),
					"Correct the name: a DN as the directory spells it, or the value of its first part; or let the service account read the group.")
			}
		}
		if c, ok := opened.(io.Closer); ok {
			c.Close()
		}
	}
}

// directoryServer asks the one server of a table: it binds as the service account and searches, as a
// login does; without that account it is asked for a sign of life.
func (d doctor) directoryServer(ctx context.Context, s ldapServer) finding {
	subject := "directory." + s.name + " " + s.table.URLs[0]
	began := d.now()
	opened, err := directory.New(s.name, s.table, directory.Deps{Logger: d.log, Now: d.now})
	if err != nil {
		return finding{levelFail, subject, err.Error(), "Correct the table: \"sallyport check-config\"."}
	}
	if c, ok := opened.(io.Closer); ok {
		defer c.Close()
	}
	if s.table.BindDN == "" {
		if r, ok := opened.(reporter); ok {
			err = r.Ready(ctx)
		}
		return directoryAnswer(subject, "answers in "+d.sinceText(began)+"; there is no bind_dn to search with", err)
	}
	_, err = opened.Find(ctx, probeName)
	if errors.Is(err, login.ErrNoUser) {
		err = nil // it was searched
	}
	return directoryAnswer(subject, "bound and searched in "+d.sinceText(began), err)
}

func directoryAnswer(subject, good string, err error) finding {
	if err == nil {
		return finding{Level: levelOK, Subject: subject, Message: good}
	}
	return finding{levelFail, subject, err.Error(),
		remedy(err, "Check the address and port, the certificate (ca_file, server_name), bind_dn with its password, and base_dn.")}
}
