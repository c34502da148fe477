package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"modtap/recorder/har"
)

// A recording is the HAR that is being written. A nil one is none.
type recording struct {
	writer *har.Writer
	name   string
	isNew  bool   // nothing was there before
	folder string // the recordings folder, "" when -o named a file
}

// openRecording makes the file of -o.
func (s *session) openRecording() error {
	r := &recording{name: s.o.output}
	switch r.name {
	case "none":
		return nil
	case "":
		var err error
		if r.folder, err = s.recordingsDir(); err != nil {
			return err
		}
		if r.name, err = har.NewFile(r.folder, time.Now()); err != nil {
			return withHint(err, "use -o FILE, or -o none")
		}
		r.isNew = true
	default:
		_, err := os.Lstat(r.name)
		r.isNew = errors.Is(err, os.ErrNotExist)
	}
	var err error
	r.writer, err = har.Create(r.name, har.Options{Redacted: !s.o.noRedact, Tool: version()})
	if err != nil {
		if r.isNew {
			os.Remove(r.name)
		}
		return err
	}
	s.har = r
	return nil
}

// recordingsDir is [har.Dir] in this app's environment.
func (a *app) recordingsDir() (string, error) {
	dir, err := a.cacheDir()
	if err != nil {
		return "", withHint(err, "use -o FILE, or -o none")
	}
	return filepath.Join(dir, "recordings"), nil
}

// path is where the recording is, "" when there is none.
func (r *recording) path() string {
	if r == nil {
		return ""
	}
	return r.writer.Path()
}

// remove takes the file away, if it was not there before. Its writer is closed.
func (r *recording) remove() {
	_ = r.writer.Close() // what it would complain about goes away with it
	if r.isNew {
		os.Remove(r.name)
	}
}

// prune keeps the newest recordings of the folder.
func (r *recording) prune(logger zerolog.Logger) {
	if r.folder == "" {
		return
	}
	if err := har.Prune(r.folder, keepRecordings); err != nil {
		logger.Warn().Err(err).Msg("old recordings stay")
	}
}
