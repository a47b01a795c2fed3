package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/config"
)

func checkConfigVerb() verb {
	return verb{
		name: "check-config", summary: "check the configuration, without starting or asking anything",
		usage: "[--config FILE] [--show] [--json]",
		examples: []string{
			"sallyport check-config",
			"sallyport check-config --config ./sallyport.toml --show",
		},
		exits: "0   nothing in the configuration is wrong\n2   the command line is wrong\n78  the configuration is wrong",
		flags: func(fs *pflag.FlagSet) {
			configFlag(fs)
			fs.Bool("show", false, "print the settings in effect, defaults included, secrets masked")
			fs.Bool("json", false, "write JSON: the faults, or the settings with --show")
		},
		run: checkConfig,
	}
}

// configFlag declares --config.
func configFlag(fs *pflag.FlagSet) {
	fs.String("config", "", "the configuration `file`; conf.d/*.toml beside it are read too\n(default "+config.DefaultFile+", or SALLYPORT_CONFIG)")
}

// configFile is the configuration that --config, where the verb has it, or SALLYPORT_CONFIG names.
func configFile(e env, fs *pflag.FlagSet) string {
	return cmp.Or(text(fs, "config"), e.getenv("SALLYPORT_CONFIG"), config.DefaultFile)
}

// readConfig reads the configuration, to run on it ([config.Load]) or only to judge it
// ([config.Check]). Its errors end the program with the status
// of a wrong configuration.
func readConfig(e env, fs *pflag.FlagSet, read func(file, credentials string) (*config.Config, error)) (*config.Config, error) {
	cfg, err := read(configFile(e, fs), e.getenv("CREDENTIALS_DIRECTORY"))
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return cfg, nil
}

func checkConfig(_ context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	show, asJSON := isSet(fs, "show"), isSet(fs, "json")
	cfg, err := readConfig(e, fs, config.Check)
	if asJSON && !show {
		return reportFaults(e.stdout, cfg, err)
	}
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(e.stderr, "warning: %s\n", w)
	}
	for _, p := range cfg.Placeholders {
		fmt.Fprintf(e.stderr, "example: %s\n", p)
	}
	switch {
	case show && asJSON:
		return cfg.WriteJSON(e.stdout)
	case show:
		return cfg.WriteTOML(e.stdout)
	}
	_, err = fmt.Fprintln(e.stdout, conclusion(cfg))
	return err
}

// conclusion is what check-config says of a configuration without faults.
func conclusion(cfg *config.Config) string {
	if n := len(cfg.Placeholders); n > 0 {
		return fmt.Sprintf("the configuration can be read, but is not finished: %s still the example's", count(uint64(n), "setting is", "settings are"))
	}
	return "the configuration is right"
}

// reportFaults writes what is wrong for programs to read.
func reportFaults(w io.Writer, cfg *config.Config, err error) error {
	report := struct {
		OK       bool          `json:"ok"`
		Faults   config.Faults `json:"faults"`
		Warnings config.Faults `json:"warnings"`
		// Placeholders still have a value of the documents' examples.
		Placeholders config.Faults `json:"placeholders"`
	}{OK: err == nil, Faults: config.Faults{}, Warnings: config.Faults{}, Placeholders: config.Faults{}}
	if err != nil && !errors.As(err, &report.Faults) {
		report.Faults = config.Faults{{Message: err.Error()}}
	}
	if cfg != nil {
		report.Warnings = append(report.Warnings, cfg.Warnings...)
		report.Placeholders = append(report.Placeholders, cfg.Placeholders...)
	}
	if printErr := printJSON(w, report); printErr != nil {
		return printErr
	}
	if err != nil {
		return &exitError{code: exitConfig}
	}
	return nil
}
