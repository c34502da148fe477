package recorder

import "time"

// A Session is one run of modtap.
type Session struct {
	ID      string    `json:"id"`
	Tool    string    `json:"tool"` // modtap's version
	Mode    string    `json:"mode"` // run, serve
	Argv    []string  `json:"argv,omitempty"`
	Dir     string    `json:"dir,omitempty"` // last element of the working directory
	Start   time.Time `json:"start"`
	OS      string    `json:"os"` // GOOS/GOARCH
	Go      string    `json:"go"` // go version of the child, "" when unknown
	Proxy   string    `json:"proxy"`
	Capture string    `json:"capture,omitempty"` // how requests came to modtap; "" is forward
	GOPROXY string    `json:"goproxy,omitempty"` // of the child, redacted
	GOSUMDB string    `json:"gosumdb,omitempty"`
}

// The values of Session.Capture. In forward mode the go command uses modtap as its HTTPS
// proxy, in reverse mode as its GOPROXY; with both, that holds for the GOPROXY entries on
// loopback alone, which Go never sends through a proxy.
const (
	CaptureForward = "forward"
	CaptureReverse = "reverse"
	CaptureBoth    = "both"
)

// Forward reports whether all requests came to modtap as to an HTTPS proxy.
func (s *Session) Forward() bool { return s.Capture == "" || s.Capture == CaptureForward }

// A Process is the child command.
type Process struct {
	Start    Span   `json:"start_ms"` // offsets from Session.Start
	End      Span   `json:"end_ms,omitempty"`
	ExitCode int    `json:"exit_code"`
	Signal   string `json:"signal,omitempty"`
	User     Span   `json:"user_ms,omitempty"` // CPU time of the child and its waited-for children
	System   Span   `json:"system_ms,omitempty"`
}

// A Finding is one thing that is wrong, as DESIGN §8 words it.
type Finding struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"` // bad, warn, info
	Title    string   `json:"title"`
	Cost     Span     `json:"cost_ms"`
	Evidence []uint64 `json:"evidence,omitempty"` // exchange ids
	Remedy   string   `json:"remedy,omitempty"`
	Commands []string `json:"commands,omitempty"`
}

// An End closes a session: nothing follows it.
type End struct {
	At         Span     `json:"at_ms"` // offset from Session.Start
	ExitCode   int      `json:"exit_code"`
	BlindSpots []string `json:"blind_spots,omitempty"` // what could not be seen, in words
	Unseen     []Unseen `json:"unseen,omitempty"`      // what is known of it all the same
}

// An Unseen is a connection of the child's that did not come through modtap, and that
// another witness told of: git's own trace.
type Unseen struct {
	What   string `json:"what"`              // "git over ssh", "git past modtap"
	Target string `json:"target"`            // redacted: git@host, https://host/repo
	Start  Span   `json:"start_ms"`          // offset from Session.Start, by the wall clock
	Took   Span   `json:"took_ms,omitempty"` // from the start to the end of git's transport program
	Cut    bool   `json:"cut,omitempty"`     // its end is not known: Took is up to the end of the command
	Why    string `json:"why,omitempty"`     // the setting that led it past modtap, redacted
}

// An Event is one step of a session; exactly one of its pointers is set. What it points
// to is a whole snapshot and is never modified.
type Event struct {
	Seq      uint64    `json:"-"` // position in the Log, from 1; the Log sets it
	Session  *Session  `json:"session,omitempty"`
	Exchange *Exchange `json:"exchange,omitempty"`
	Conn     *Conn     `json:"conn,omitempty"`
	Tunnel   *Tunnel   `json:"tunnel,omitempty"`
	Process  *Process  `json:"process,omitempty"`
	Finding  *Finding  `json:"finding,omitempty"`
	End      *End      `json:"end,omitempty"`
}

// A Sink takes events one after another: a HAR file, a report, metrics. Write is called
// from one goroutine. An error of Write is remembered by [Pump] and ends the sink.
type Sink interface {
	Write(Event) error
	// Lost tells the sink that n events were dropped before the next one.
	Lost(n uint64)
	Close() error
}
