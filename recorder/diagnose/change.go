package diagnose

import (
	"errors"
	"fmt"
	"slices"

	"modtap/recorder"
)

// A Change is what would be otherwise in a run that is predicted. The zero value changes
// nothing.
type Change struct {
	MaxProcs      int     // GOMAXPROCS; 0: as recorded
	LatencyFactor float64 // of connecting to the GOPROXY entries and of waiting for them; 0: 1
	RateFactor    float64 // of the bandwidth; 0: 1
	NoSumDB       bool    // nothing is asked of the checksum database, as with a complete go.sum
	DropEntries   []int   // indices in Analysis.Entries of what is taken off the GOPROXY list
}

func (c Change) latency() float64 {
	if c.LatencyFactor == 0 {
		return 1
	}
	return c.LatencyFactor
}

func (c Change) rate() float64 {
	if c.RateFactor == 0 {
		return 1
	}
	return c.RateFactor
}

const (
	// maxPlayed is the most calls that are played: for 48,000 all predictions take 0.4 s. measured
	maxPlayed = 50_000
	// worstError is what a replay of the recorded run may miss its wall time by. chosen
	worstError = 0.5
	// mostVCS is the share of the wall time that version control may have. chosen
	mostVCS = 0.2
)

// Predict says how long the run would have taken under a change. It plays the run as
// recorded too, and what that misses the recorded time by corrects the prediction. It is an
// error when it misses by more than half, or when the model does not fit the run.
func (a *Analysis) Predict(c Change) (recorder.Span, error) {
	p, err := a.player()
	if err != nil {
		return 0, err
	}
	return p.predict(c), nil
}

// A player predicts.
type player struct {
	*model
	outside recorder.Span // before the first request and after the last: no change shortens it
	between recorder.Span // the rest of the wall time, which is what is played
	base    recorder.Span // what playing makes of it
	miss    float64       // by how much base misses between, as a share of it
}

// saves is what a Prediction would save, by its ID, where the model is good enough for a
// finding's cost to rest on it.
func (a *Analysis) saves(id string) (recorder.Span, bool) {
	change, ok := map[string]Change{"parallelism": {MaxProcs: moreProcs}, "go-sum": {NoSumDB: true}}[id]
	if !ok {
		return 0, false
	}
	p, err := a.player()
	if err != nil || max(p.miss, -p.miss) > rather {
		return 0, false
	}
	return max(a.Wall-p.predict(change), 0), true
}

// player reads the run and tries whether it can be played, once.
func (a *Analysis) player() (*player, error) {
	a.onePlayer.Lock()
	defer a.onePlayer.Unlock()
	if a.played == nil {
		p, err := a.newPlayer()
		a.played = &played{p, err}
	}
	return a.played.player, a.played.err
}

// A played is what became of the attempt to play a run.
type played struct {
	player *player
	err    error
}

func (a *Analysis) newPlayer() (*player, error) {
	if err := a.playable(); err != nil {
		return nil, fmt.Errorf("predict: %w", err)
	}
	p := &player{model: a.newModel()}
	p.outside = p.waves[0] + p.tail
	p.between, p.base = a.Wall-p.outside, p.run(Change{})-p.outside
	if p.between <= 0 || p.base <= 0 {
		return nil, errors.New("predict: no request took time")
	}
	p.miss = float64(p.base-p.between) / float64(p.between)
	if max(p.miss, -p.miss) > worstError {
		return nil, fmt.Errorf("predict: the model makes %s of the %s from the first request to the last", secs(p.base), secs(p.between))
	}
	return p, nil
}

// playable says why the run cannot be played; nil: it can.
func (a *Analysis) playable() error {
	switch {
	case len(a.Calls) == 0 || a.Wall <= 0:
		return errors.New("nothing was requested")
	case a.In.Foreign:
		return errors.New("the recording is of another program, which need not be the go command")
	case a.In.Process == nil:
		return errors.New("it is not known which command the requests are of")
	case a.In.Process.End <= a.In.Process.Start || a.In.Process.Signal != "" || a.Failed():
		return errors.New("the command did not come to its end")
	case a.In.Lost+a.In.Missing+a.In.LeftOut > 0 || a.In.Skipped > 0 || a.In.Torn || a.In.Part > 1:
		return errors.New("requests are missing in the recording")
	case len(a.Calls) > maxPlayed:
		return fmt.Errorf("%d requests are too many", len(a.Calls))
	}
	if vcs := a.versionControl(); float64(vcs) > mostVCS*float64(a.Wall) {
		return fmt.Errorf("git took %s of %s, and how it goes about that is not modelled", secs(vcs), secs(a.Wall))
	}
	return nil
}

// versionControl is how much of the critical path is git's (or another's), and is asking
// modules' own hosts where they are kept.
func (a *Analysis) versionControl() recorder.Span {
	return a.PathTime(func(s Segment) bool {
		if s.Exchange == 0 || s.Bucket == BucketVCS {
			return s.Bucket == BucketVCS
		}
		c := a.CallOf(s.Exchange)
		return c != nil && isDirect(c.First().Go.Kind)
	})
}

// predict plays the run under a change.
func (p *player) predict(c Change) recorder.Span {
	played := float64(max(p.run(c)-p.outside, 0))
	return p.outside + recorder.Span(played*float64(p.between)/float64(p.base))
}

// dropped are the calls that are not made under a change.
func (m *model) dropped(c Change) []bool {
	drop := make([]bool, len(m.a.Calls))
	for i := range m.a.Calls {
		call := &m.a.Calls[i]
		drop[i] = c.NoSumDB && call.First().Go.Kind.Step() == "sumdb" || slices.Contains(c.DropEntries, call.Entry)
	}
	return drop
}
