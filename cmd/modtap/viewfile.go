package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/har"
	"modtap/viewer/report"
	"modtap/viewer/stream"
)

// A viewed is a recording that is looked at.
type viewed struct {
	*app
	rec     *har.Recording
	history *har.History
	path    string // of the file
	arg     string // what `modtap report` must be given for it, quoted
	name    string // what people call it
	copied  string // the folder of our own copy, to be removed; "": none
	most    int    // entries that it may have; 0: as many as any recording
}

// openToView opens the recording at path. What is no file that can be read again, such as a
// pipe, is copied first.
func (a *app) openToView(path, arg string) (*viewed, error) {
	if fi, err := os.Stat(path); err == nil && !fi.IsDir() && !fi.Mode().IsRegular() {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read recording %s: %w", path, cause(err))
		}
		defer f.Close()
		return a.copyToView(f, path, 0, nil)
	}
	return a.openViewed(&viewed{app: a, path: path, arg: arg, name: filepath.Base(path)})
}

// copyToView opens a copy of what r gives, a recording that is called name, with up to most
// entries. stop, unless it is nil, is asked now and then whether to go on.
func (a *app) copyToView(r io.Reader, name string, most int, stop func() error) (*viewed, error) {
	dir, err := a.copies.folder()
	if err != nil {
		return nil, fmt.Errorf("copy recording %s: %w", name, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "copy.har"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		a.copies.remove(dir)
		return nil, fmt.Errorf("copy recording %s: %w", name, cause(err))
	}
	if stop != nil {
		r = stoppable{r, stop}
	}
	_, err = io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		a.copies.remove(dir)
		return nil, fmt.Errorf("copy recording %s: %w", name, cause(err))
	}
	return a.openViewed(&viewed{app: a, path: f.Name(), name: filepath.Base(name), copied: dir, most: most})
}

// A stoppable reader ends with the error of stop.
type stoppable struct {
	io.Reader
	stop func() error
}

func (r stoppable) Read(p []byte) (int, error) {
	if err := r.stop(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func (a *app) openViewed(v *viewed) (*viewed, error) {
	defer a.readThriftily(v.path)()
	var err error
	if v.rec, v.history, err = har.OpenBounded(v.path, v.most); err != nil {
		v.close()
		if v.copied != "" { // whose path says nothing to the user
			err = fmt.Errorf("read recording %s: %w", v.name, cause(err))
		}
		return nil, err
	}
	return v, nil
}

// close gives up the files, and removes a copy.
func (v *viewed) close() {
	if v.history != nil {
		v.history.Close()
	}
	if v.copied != "" {
		v.copies.remove(v.copied)
	}
}

// source is the recording as viewers see it.
func (v *viewed) source() stream.Source {
	report := sync.OnceValues(v.report)
	source := stream.Source{
		Log: recorder.LogOf(v.rec.Events()), History: v.history, Facts: true, Title: v.name,
		Report: func(context.Context) ([]byte, error) { return report() },
		Close:  v.close,
	}
	if v.copied == "" { // who gave us a copy has the file
		source.HAR = func() string { return v.path }
	}
	return source
}

// report is the diagnosis as modtap.report/1.
func (v *viewed) report() ([]byte, error) {
	if len(v.rec.Exchanges) > maxDiagnosed {
		return nil, fmt.Errorf("%w: more than %d", errTooMany, maxDiagnosed)
	}
	in := inputOf(v.rec)
	in.Shell = string(v.userShell())
	return documentJSON(&report.Document{Report: diagnose.Run(in), Recording: v.path, File: v.arg})
}

// documentJSON is d as modtap.report/1.
func documentJSON(d *report.Document) ([]byte, error) {
	var b bytes.Buffer
	if err := d.Write(&b, report.JSON, report.Layout{All: true}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// viewFile serves the page of a recording until its reader has left.
func (a *app) viewFile(ctx context.Context, o *viewOptions, v *viewed) error {
	l, err := listen(o.listen)
	if err != nil {
		return err
	}
	source := v.source()
	source.Close = nil // the caller closes it
	server, err := stream.New(stream.Config{Source: source, Open: a.opener(), Page: page()})
	if err != nil {
		l.Close()
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer stopServer(server)
	address := server.URL(l.Addr().String())
	if o.tui {
		return a.viewTUI(ctx, address, o.filter)
	}
	a.talk("the page is at %s (Ctrl-C ends it)", withFilter(address, o.filter))
	closed := make(chan struct{})
	if p := (&shown{server: server}); !o.noOpen && a.canBrowse() {
		p.show(withFilter(server.PageURL(l.Addr().String()), o.filter), a.talk)
		go func() { p.closed(ctx, viewReload, 0); close(closed) }()
	}
	select {
	case <-closed:
	case <-ctx.Done():
	case err := <-served:
		return err
	}
	return nil
}

// maxDropped bounds the entries of a recording that is dropped on the page. Each takes 1.8 KB
// of memory (measured), however few bytes of the file it is: all of them 450 MB.
const maxDropped = 250_000

// opener takes recordings that are dropped on the page.
func (a *app) opener() stream.Opener {
	return func(ctx context.Context, r io.Reader, name string) (stream.Source, error) {
		v, err := a.copyToView(r, name, maxDropped, ctx.Err)
		var many *har.TooManyError
		if errors.As(err, &many) {
			return stream.Source{}, fmt.Errorf("the recording has over %d requests: open it with modtap view FILE", many.Most)
		}
		if errors.Is(err, har.ErrNotHAR) {
			return stream.Source{}, fmt.Errorf("%s is not a HAR file", filepath.Base(name))
		}
		if err != nil {
			return stream.Source{}, err
		}
		return v.source(), nil
	}
}

// stopServer ends a viewer's server. Viewers that do not take the last events are cut off.
func stopServer(s *stream.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), viewerTime)
	defer cancel()
	_ = s.Shutdown(ctx)
}
