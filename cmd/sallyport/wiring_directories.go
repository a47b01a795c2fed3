package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"time"

	"sallyport/cmd/sallyport/internal/regular"
	"sallyport/directory"
	"sallyport/login"
	"sallyport/web/status"
)

// openDirectory is a directory in use, with what it was built from.
type openDirectory struct {
	login.Directory
	name  string
	table directory.Config
	files digest

	stop context.CancelFunc
	runs sync.WaitGroup
}

// openOrKeep returns kept, which may be nil, when it is what would be opened.
func openOrKeep(kept *openDirectory, name string, table directory.Config, log *slog.Logger, now func() time.Time) (*openDirectory, error) {
	files, err := digestOf(table.Files()) // before they are read: what changes meanwhile is seen next time
	if err != nil {
		return nil, err
	}
	if kept != nil && kept.files == files && reflect.DeepEqual(kept.table, table) {
		return kept, nil
	}
	o, err := open(name, table, log, now)
	if err != nil {
		return nil, err
	}
	o.files = files
	return o, nil
}

// digest tells whether files have changed.
type digest [sha256.Size]byte

func digestOf(files []string) (digest, error) {
	all := sha256.New()
	for _, file := range files {
		if err := regular.Check(file); err != nil {
			return digest{}, err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return digest{}, err
		}
		one := sha256.Sum256(text)
		fmt.Fprintf(all, "%q %x\n", file, one)
	}
	return digest(all.Sum(nil)), nil
}

// open builds a directory and starts what it does in the background.
func open(name string, table directory.Config, log *slog.Logger, now func() time.Time) (*openDirectory, error) {
	log = log.With(slog.String("part", "directory"))
	d, err := directory.New(name, table, directory.Deps{Logger: log, Now: now})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	o := &openDirectory{Directory: d, name: name, table: table, stop: stop}
	if r, ok := d.(interface{ Run(context.Context) error }); ok {
		o.runs.Go(func() {
			if err := r.Run(ctx); err != nil {
				log.Error("the directory's servers are not watched any more", slog.String("directory", name), slog.Any("error", err))
			}
		})
	}
	return o, nil
}

// close ends what the directory does in the background, and its connections.
func (o *openDirectory) close() error {
	o.stop()
	o.runs.Wait()
	if c, ok := o.Directory.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// part returns the directory as a part of the status report, nil when it does not report.
func (o *openDirectory) part() status.Part {
	if p, ok := o.Directory.(reporter); ok {
		return tablePart{p, "directory." + o.name}
	}
	return nil
}
