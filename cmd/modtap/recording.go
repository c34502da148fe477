package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"modtap/recorder"
	"modtap/recorder/har"
)

// A recording is the HAR that is being written, as a recorder.Sink. A nil one is none.
type recording struct {
	writer *har.Writer
	failed func(error) // hears what writing says that goes wrong, again and again
	name   string
	isNew  bool   // nothing was there before
	folder string // the recordings folder, "" when -o named a file
}

// openRecording makes the file of -o, which must be possible, or one in the recordings
// folder, without which traffic goes on all the same.
func (s *session) openRecording() error {
	r := &recording{name: s.o.output, failed: s.recordingFailed}
	switch r.name {
	case "none":
		return nil
	case "":
		if err := r.choose(s.app); err != nil {
			s.unrecorded(err)
			return nil
		}
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
		if r.folder != "" {
			s.unrecorded(err)
			return nil
		}
		return err
	}
	s.har = r
	return nil
}

// choose makes a new file in the recordings folder.
func (r *recording) choose(a *app) (err error) {
	if r.folder, err = a.recordingsDir(); err != nil {
		return err
	}
	r.name, err = har.NewFile(r.folder, time.Now())
	r.isNew = true
	return err
}

// unrecorded goes on without a recording, which nobody asked for by name.
func (s *session) unrecorded(err error) {
	s.summary.Failure = err.Error()
	s.alarm(troubleRecording, "nothing is recorded: %v; -o FILE records elsewhere, -o none silences this", err)
}

// recordingFailed tells of the first entry that could not be written, while there is time
// to make room.
func (s *session) recordingFailed(err error) {
	s.alarm(troubleRecording, "cannot record to %s: %v; traffic goes on, and is recorded again as soon as that works", s.har.path(), cause(err))
}

// incomplete has the summary say what is missing. A failure that came with the end, or a
// summary that nobody will see, leaves a line.
func (s *session) incomplete(err error) {
	first := s.har.writer.Err()
	if first == nil {
		first = err
	}
	s.summary.Missing, s.summary.Failure = s.har.writer.Missing(), cause(first).Error()
	if s.o.quiet || s.o.report.value == "none" || s.alarms.first(troubleRecording) {
		s.warn("the recording is not complete: %v", err)
	}
}

// Write, Lost, Flush and Close make it a recorder.Sink.
func (r *recording) Write(e recorder.Event) error { return r.writer.Write(e) }

func (r *recording) Lost(n uint64) { r.writer.Lost(n) }

func (r *recording) Close() error { return r.writer.Close() }

// Flush tells of what could not be written.
func (r *recording) Flush() error {
	err := r.writer.Flush()
	if bad := r.writer.Err(); bad != nil {
		r.failed(bad)
	}
	return err
}

// keyLog is where TLS keys go.
func (s *session) keyLog(f *os.File) io.Writer {
	return forgiving{f, func(err error) {
		s.alarm(troubleKeyLog, "cannot write keys to %s: %v; traffic goes on, a capture of it cannot be decrypted", f.Name(), err)
	}}
}

// recordingsDir is [har.Dir] in this app's environment.
func (a *app) recordingsDir() (string, error) {
	dir, err := a.cacheDir()
	if err != nil {
		return "", err
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
