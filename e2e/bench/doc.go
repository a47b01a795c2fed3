// Bench compares Sallyport with FreeRADIUS 3.2 side by side: the same slapd with the same people, the
// same load tool (e2e/load), the same machine, in turns, so that what the machine does meanwhile
// falls on both.
//
// All check the password by LDAP and then the code of an authenticator app. FreeRADIUS searches and
// binds, and its rlm_totp forgets which codes were used; Sallyport also commits each code's single
// use to its log on disk. It runs alone, and as a cluster of three nodes among which the logins are
// divided. Everything runs on one machine and shares its processors, slapd and the load tool included.
//
//	go run ./e2e/bench
//
// Standard output gets the table in Markdown, standard error what happens meanwhile.
package main
