package servers

import (
	"os"
	"text/template"
)

// slapdConfig is what varies in slapd.conf.
type slapdConfig struct {
	Dir, Data     string
	CA, Cert, Key string
	Threads       int
	PPolicy       bool
}

// The database is not synced to disk: what a test's slapd stores need not survive the machine.
const slapdConf = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
{{if .PPolicy}}moduleload ppolicy
{{end}}
pidfile {{.Dir}}/slapd.pid
argsfile {{.Dir}}/slapd.args
loglevel none
threads {{.Threads}}
disallow bind_anon
TLSCACertificateFile {{.CA}}
TLSCertificateFile {{.Cert}}
TLSCertificateKeyFile {{.Key}}

database mdb
suffix "` + BaseDN + `"
rootdn "cn=root,` + BaseDN + `"
rootpw root-password-1
directory {{.Data}}
maxsize 4294967296
dbnosync
index objectClass,uid,entryUUID,member eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by dn.exact="` + ServiceDN + `" read by self read by * none
overlay memberof
{{if .PPolicy}}overlay ppolicy
ppolicy_default "` + PolicyDN + `"
ppolicy_use_lockout
{{end}}`

func (c slapdConfig) write(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return template.Must(template.New("slapd.conf").Parse(slapdConf)).Execute(f, c)
}
