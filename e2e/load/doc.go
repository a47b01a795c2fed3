// Load puts a RADIUS server under the load of logins of two steps, and says how it bore it.
//
// It sends what a NAS sends: an Access-Request with the password, and to the Access-Challenge the
// code of an authenticator app with the State, from many source ports, again when no reply comes. It
// works against any server; with --register it first goes through Sallyport's registration at first
// login and keeps the keys.
//
//	go run ./e2e/load --server 127.0.0.1:1812 --secret-file secret --count 100000 \
//		--password 'password-%06d' --keys keys --in-flight 64 --duration 5s
//
// On standard output it prints one line of JSON (package report), on standard error a table.
package main
