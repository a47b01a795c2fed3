package config

import (
	"reflect"
	"slices"
)

// NeedRestart returns the settings that differ between two configurations and that a running daemon
// cannot take over, as key paths in order.
func NeedRestart(running, loaded *Config) []string {
	type pair struct{ a, b any }
	fixed := map[string]pair{
		"node.name":                    {running.Node.Name, loaded.Node.Name},
		"node.data_dir":                {running.Node.DataDir, loaded.Node.DataDir},
		"node.master_key":              {running.Node.MasterKey, loaded.Node.MasterKey},
		"cluster.listen":               {running.Cluster.Listen, loaded.Cluster.Listen},
		"cluster.advertise":            {running.Cluster.Advertise, loaded.Cluster.Advertise},
		"cluster.profile":              {running.Cluster.Profile, loaded.Cluster.Profile},
		"radius.listen":                {running.Radius.Listen, loaded.Radius.Listen},
		"radius.accounting_listen":     {running.accountingListen(), loaded.accountingListen()},
		"audit.max_age":                {running.Audit.MaxAge, loaded.Audit.MaxAge},
		"audit.max_mib":                {running.Audit.MaxMiB, loaded.Audit.MaxMiB},
		"radius.vendor_id":             {running.Radius.VendorID, loaded.Radius.VendorID},
		"login.reject_delay":           {running.Login.RejectDelay, loaded.Login.RejectDelay},
		"login.securid_without_quorum": {running.Login.SecurIDWithoutQuorum, loaded.Login.SecurIDWithoutQuorum},
		"status.listen":                {running.Status.Listen, loaded.Status.Listen},
		"status.hosts":                 {running.Status.Hosts, loaded.Status.Hosts},
		"admin.socket":                 {running.Admin.Socket, loaded.Admin.Socket},
		"log.format":                   {running.Log.Format, loaded.Log.Format},
	}
	var keys []string
	for key, p := range fixed {
		if !reflect.DeepEqual(p.a, p.b) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
