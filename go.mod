module sallyport

go 1.26.0

require (
	filippo.io/age v1.3.2 // encrypted backups
	github.com/boombuler/barcode v1.1.0 // QR code at the terminal
	github.com/coreos/go-systemd/v22 v22.7.0 // readiness and watchdog
	github.com/emersion/go-message v0.18.2 // MIME and header encoding of mails
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6 // SMTP AUTH
	github.com/emersion/go-smtp v0.25.1 // the demo's and the tests' mail servers too
	github.com/go-asn1-ber/asn1-ber v1.5.8 // go-ldap shows a search filter in its types
	github.com/go-ldap/ldap/v3 v3.4.15
	github.com/hashicorp/go-hclog v1.6.3 // raft's logger, led to slog
	github.com/hashicorp/raft v1.7.3 // raise only together with raft-boltdb: 1.8.0 does not build with 2.3.1
	github.com/hashicorp/raft-boltdb/v2 v2.3.1
	github.com/nyaruka/phonenumbers v1.8.1 // libphonenumber's rules
	github.com/pelletier/go-toml/v2 v2.4.3 // strict, with positions
	github.com/pquerna/otp v1.5.0
	github.com/prometheus/client_golang v1.25.0
	github.com/spf13/pflag v1.1.0
	go.etcd.io/bbolt v1.5.0 // raft-boltdb asks for an older one that can corrupt its meta page
	golang.org/x/crypto v0.59.0 // argon2id
	golang.org/x/net v0.62.0 // source address of UDP replies
	golang.org/x/sys v0.50.0 // peer credentials, socket buffers
	golang.org/x/term v0.48.0 // hidden input
	golang.org/x/text v0.44.0 // PRECIS
	golang.org/x/time v0.16.0 // paced log lines
	google.golang.org/protobuf v1.36.12 // wire format of commands and snapshots
	layeh.com/radius v0.0.0-20231213012653-1006025d24f8 // codec and dictionaries only
)

// For tests.
require (
	github.com/anishathalye/porcupine v1.3.1 // judges histories of the cluster
	github.com/jimlambrt/gldap v0.1.14
	github.com/rogpeppe/go-internal v1.16.0
	pgregory.net/rapid v1.3.0
)

require (
	filippo.io/hpke v0.4.0 // indirect
	github.com/Azure/go-ntlmssp v0.1.1 // indirect
	github.com/armon/go-metrics v0.4.1 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/boltdb/bolt v1.3.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/fatih/color v1.17.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/go-immutable-radix v1.0.0 // indirect
	github.com/hashicorp/go-metrics v0.5.4 // indirect; 0.7.0 lacks what raft-boltdb 2.3.1 imports
	github.com/hashicorp/go-msgpack/v2 v2.1.2 // indirect
	github.com/hashicorp/golang-lru v0.5.0 // indirect
	github.com/kylelemons/godebug v1.1.0 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/tools v0.52.0 // indirect
)
