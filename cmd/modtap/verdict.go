package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/viewer/report"
)

// A keeper is the sink that a session is diagnosed from, the recording or a Collector. It
// says when the command's end has reached it, and can be asked meanwhile.
type keeper struct {
	mu   sync.Mutex // of the sink
	sink recorder.Sink

	requests atomic.Int64  // that have ended
	over     atomic.Bool   // the command has ended
	ending   bool          // its end was written, or is lost
	ended    chan struct{} // closed when that is on disk
	once     sync.Once
}

func newKeeper(sink recorder.Sink) *keeper { return &keeper{sink: sink, ended: make(chan struct{})} }

// Write, Lost, Flush and Close make it a recorder.Sink.
func (k *keeper) Write(e recorder.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.Exchange != nil && e.Exchange.Done {
		k.requests.Add(1)
	}
	k.ending = k.ending || e.Process != nil && e.Process.End > 0
	err := k.sink.Write(e)
	if err != nil {
		k.end() // nothing more will come
	}
	return err
}

// end says that there is no more to wait for.
func (k *keeper) end() { k.once.Do(func() { close(k.ended) }) }

// Lost may be about the command's end itself, which then never comes.
func (k *keeper) Lost(n uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ending = k.ending || k.over.Load()
	k.sink.Lost(n)
}

// Flush is called when the Log has nothing more for now.
func (k *keeper) Flush() (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f, ok := k.sink.(interface{ Flush() error }); ok {
		err = f.Flush()
	}
	if k.ending || err != nil {
		k.end()
	}
	return err
}

func (k *keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.end()
	return k.sink.Close()
}

// input is what the session can be diagnosed from now: the recording, or what was kept of a
// session without one. Of more requests than are kept there is no diagnosis: the time of
// the others would be nobody's.
func (s *session) input() (diagnose.Input, error) {
	if s.kept.requests.Load() > maxDiagnosed {
		return diagnose.Input{}, fmt.Errorf("%w: more than %d", errTooMany, maxDiagnosed)
	}
	if s.har == nil {
		s.kept.mu.Lock()
		in := s.collector.Input()
		s.kept.mu.Unlock()
		if in.LeftOut > 0 {
			return diagnose.Input{}, fmt.Errorf("%w to keep without a recording: more than %d", errTooMany, len(in.Exchanges))
		}
		return in, nil
	}
	// The file has connections as they opened, until it is closed.
	w := s.har.writer
	conns, tunnels, leftOut := w.Conns(), w.Tunnels(), w.LeftOut()
	in, err := s.readInput(s.har.path())
	if err != nil {
		return diagnose.Input{}, err
	}
	in.Conns = latest(in.Conns, conns, func(c *recorder.Conn) uint64 { return c.ID })
	in.Tunnels = latest(in.Tunnels, tunnels, func(t *recorder.Tunnel) uint64 { return t.ID })
	in.ConnsLeftOut = max(in.ConnsLeftOut, leftOut)
	return in, nil
}

// latest are those of older and newer in the order of their ids, the newer of each.
func latest[T any](older, newer []T, id func(*T) uint64) []T {
	all := append(slices.Clone(older), newer...)
	slices.SortStableFunc(all, func(p, q T) int { return cmp.Compare(id(&p), id(&q)) })
	n := 0
	for i := range all {
		if n > 0 && id(&all[n-1]) == id(&all[i]) {
			n--
		}
		all[n] = all[i]
		n++
	}
	return all[:n]
}

// wantsVerdict reports whether anybody will see what a run's diagnosis says.
func (s *session) wantsVerdict() bool {
	return s.mode == "run" && (s.printsText() || s.o.reportFile != "" || s.o.failOn.value != "" || s.viewer != nil)
}

func (s *session) printsText() bool { return !s.o.quiet && s.o.report.value != "none" }

// judge diagnoses a run that has ended as process and end say, before the Log has its end:
// the findings go into the Log, and so to the viewers and into the recording. A live finding
// that is not among them stays: it was true when it was told.
func (s *session) judge(process *recorder.Process, end *recorder.End) {
	if !s.wantsVerdict() {
		return
	}
	<-s.kept.ended
	in, err := s.input()
	if err != nil {
		s.unjudged = err
		return
	}
	in.Process, in.End = process, end
	r := s.diagnosed(in)
	s.verdict.Store(&report.Document{Report: r, Recording: s.har.path(), File: s.recordingArg()})
	for _, f := range r.Findings {
		s.log.Append(recorder.Event{Finding: &f})
	}
}

// reportNow is the diagnosis of what there is so far, for viewers; nothing where there is
// nothing to diagnose it from.
func (s *session) reportNow(context.Context) ([]byte, error) {
	if d := s.verdict.Load(); d != nil {
		return documentJSON(d)
	}
	if s.kept == nil {
		return nil, nil
	}
	in, err := s.input()
	if err != nil {
		return nil, err
	}
	in.Torn = false // it is being written
	return documentJSON(&report.Document{Report: diagnose.Run(in), Recording: s.har.path(), File: s.recordingArg()})
}
