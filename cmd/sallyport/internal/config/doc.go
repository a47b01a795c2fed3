// Package config reads Sallyport's settings: one TOML file, and the files of conf.d beside it, make
// one [Config].
//
// It owns the keys that belong to no part, and takes the tables of the parts as they declare them
// ([directory.Config], [factors.Config]). All that is wrong is reported at once, each fault with
// file, line, column and key; an unknown key is a fault, with the key that was probably meant. No
// message quotes the file or a value: the neighbouring line may hold a secret.
//
// Reading goes through four steps, one file of this package each: parse (a file into a tree that
// knows where each key stands), merge (the trees of all files into one), decode (the tree into the
// struct), check (what the values mean together).
package config
