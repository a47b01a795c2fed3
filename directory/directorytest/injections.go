package directorytest

import (
	"testing"

	"sallyport/login"
)

// Injections returns texts that would change the meaning of a search filter or a DN if they were put
// into one as they stand.
func Injections() []string {
	return []string{
		"*", "a*", "*e", "al*ce", "**", "alice*", "*)(uid=*", "*)(|(uid=*", "alice)(uid=*", "alice)(!(uid=bob", "alice)(|(uid=*)", "*)(objectClass=*",
		"alice)", "(alice", "alice)(&", "alice)(|", ")(uid=alice", "(uid=alice)", "(|(uid=alice)(uid=bob))", "*))%00", "alice))(|(uid=*",
		`al\2aice`, `\2a`, `\2A`, `alice\`, `\61lice`, `al\69ce`, `\28uid=alice\29`, `\00`, `alice\00`, `\5c`,
		"alice,ou=people,dc=example,dc=test", "uid=alice", "uid=alice,ou=people,dc=example,dc=test", "alice+cn=x", "x,uid=alice", `alice\,ou=people`,
		"alice;ou=people", `"alice"`, "alice<", "alice>", "#alice", "#04056162", "alice=", "=alice", "alice+", "+alice", ",alice", "alice,",
		"alice\x00", "alice\x00)(uid=*", "\x00", "alice\n", "alice\r\ndn: x", "alice\t", "alice\x7f", "alice\u0085", "alice\u2028", "alice\u200b",
		"alice\xff", "\xc0\xaa", "ali\xed\xa0\x80ce", "alice\u202e", "а" /* Cyrillic */ + "lice", "al\u0131ce", "bob alice", "alice/bob", "${alice}", "{username}", "%61lice",
	}
}

func injections(t *testing.T, d login.Directory, people map[string]Person) {
	for _, text := range Injections() {
		for _, password := range []string{people[Alice].Password, people[Bob].Password} {
			user, err := d.Authenticate(within(t), text, password)
			if login.RefusalCode(err) != login.CodePasswordInvalid || user.ID != "" {
				t.Errorf("Authenticate(%q) = %+v, %v; want no such user", text, user, err)
			}
		}
	}
}
