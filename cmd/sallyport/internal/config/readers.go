package config

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// everyone is who else may read a file.
const everyone = "everyone"

// serviceGroup is the group that the packaged service runs under.
const serviceGroup = "sallyport"

// opened is a file with secrets, and the setting that names it.
type opened struct {
	at        place
	key, file string
}

// readers notes which files with secrets others than the service may read. A master key that everyone may read is
// refused: with a copy of the data, such as a backup of the machine, it opens all the rest.
func (c *checker) readers(secrets []opened, literals []string) {
	for _, o := range secrets {
		switch who := readers(o.file, c.Node.DataDir); {
		case who == "":
		case who == everyone && o.key == "node.master_key_file":
			c.faults = append(c.faults, o.at.fault(o.key, "%s can be read by everyone: chmod 600 %s", o.file, o.file))
		default:
			c.warnings = append(c.warnings, o.at.fault(o.key, "%s can be read by %s: chmod o-rwx, and chgrp to the service's group", o.file, who))
		}
	}
	for name, table := range c.Directories { // password hashes
		if key := join("directory", name) + ".users_file"; table.UsersFile != "" {
			if who := readers(table.UsersFile, c.Node.DataDir); who != "" {
				c.warn(key, "%s holds password hashes and can be read by %s: chmod o-rwx, and chgrp to the service's group", table.UsersFile, who)
			}
		}
	}
	for _, file := range literals {
		if who := readers(file, c.Node.DataDir); who != "" {
			c.warnings = append(c.warnings, place{file: file}.fault("", "holds secrets, or what may be one, and can be read by %s: chmod o-rwx, and chgrp to the service's group; or name files with the secrets (secret_file, password_file)", who))
		}
	}
}

// readers says who may read or change a file, other than root, its owner and the service: everyone, a group, or ""
// for nobody. The folders above it are not looked at: they change, and copies have others. The service is known by its group: that of this process, of the data folder, or the one of the
// packaged service.
func readers(file, dataDir string) string {
	info, err := os.Stat(file)
	if err != nil {
		return "" // whoever reads it will say so
	}
	const others, group = 0o006, 0o060
	if info.Mode().Perm()&others != 0 {
		return everyone
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&group == 0 {
		return ""
	}
	known := []uint32{0, uint32(os.Getgid()), uint32(os.Getegid())}
	if data, err := os.Stat(dataDir); err == nil {
		if d, ok := data.Sys().(*syscall.Stat_t); ok {
			known = append(known, d.Gid)
		}
	}
	if slices.Contains(known, stat.Gid) {
		return ""
	}
	name := strconv.FormatUint(uint64(stat.Gid), 10)
	if g, err := user.LookupGroupId(name); err == nil {
		name = g.Name
	}
	if name == serviceGroup {
		return ""
	}
	return "the group " + name
}
