package servers

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// prepareSallyport writes a configuration into dir.
func prepareSallyport(dir string, opt SallyportOptions) (*Sallyport, error) {
	opt.Name = cmp.Or(opt.Name, "node1")
	opt.Address = cmp.Or(opt.Address, "127.0.0.1")
	opt.LogLevel = cmp.Or(opt.LogLevel, "debug")
	s := &Sallyport{
		Dir: dir, Name: opt.Name, opt: opt,
		ConfigFile: filepath.Join(dir, "sallyport.toml"), Socket: filepath.Join(dir, "admin.sock"),
		LogFile: filepath.Join(dir, "log.json"), Data: filepath.Join(dir, "data"),
		MasterKey: filepath.Join(dir, "master.key"), Events: filepath.Join(dir, "data", "audit"),
	}
	status, err := opt.port(9812, FreePort)
	if err != nil {
		return nil, err
	}
	s.Status = fmt.Sprintf("%s:%d", opt.Address, status)
	if s.Listeners, err = listeners(opt); err != nil {
		return nil, err
	}
	s.Radius = s.Listeners[0]
	accounting, err := opt.port(1813+len(s.Listeners)-1, FreeUDPPort)
	if err != nil {
		return nil, err
	}
	s.Accounting = fmt.Sprintf("%s:%d", opt.Address, accounting)
	return s, s.configure()
}

func (s *Sallyport) generateKey() error {
	_, err := s.Run("", "keys", "generate", "--out", s.MasterKey)
	return err
}

func (s *Sallyport) configure() error {
	text := fmt.Sprintf(`[node]
name = %q
data_dir = %q
master_key_file = %q

[radius]
listen = ["%s"]
accounting_listen = [%q]
dictionaries = [%s]

[status]
listen = %q

[admin]
socket = %q

[log]
format = "json"
level = %q

`, s.Name, s.Data, s.MasterKey, strings.Join(s.Listeners, `", "`), s.Accounting, quoted(s.opt.Dictionaries), s.Status, s.Socket, s.opt.LogLevel)
	return os.WriteFile(s.ConfigFile, []byte(text+s.opt.Config), 0o600)
}

// port is the usual port where the program has a host of its own, else a free one.
func (o SallyportOptions) port(usual int, free func(address string) (int, error)) (int, error) {
	if len(o.Within) > 0 {
		return usual, nil
	}
	return free(o.Address)
}

// quoted is a list as TOML has it, without its brackets.
func quoted(list []string) string {
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = strconv.Quote(item)
	}
	return strings.Join(items, ", ")
}

// listeners are the addresses to listen on for RADIUS.
func listeners(opt SallyportOptions) ([]string, error) {
	var all []string
	if opt.Listen != "" {
		all = append(all, opt.Listen)
	}
	for len(all) < max(opt.Listeners, 1) {
		port, err := opt.port(1812+len(all), FreeUDPPort)
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("%s:%d", opt.Address, port))
	}
	return all, nil
}
