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

	Environ *Environ `json:"environ,omitempty"` // nil: not known (yet)
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

	// Samples are what the processes of the command did, in the order of time, without
	// gaps between them. A long run has longer ones, so that there are never many.
	Samples []Sample `json:"samples,omitempty"`
	// SampleCost is modtap's own processor time for them.
	SampleCost Span `json:"sample_cost_ms,omitempty"`
	// Spans are the go command's own account of its work (go -debug-trace), when it was
	// asked for one.
	Spans []GoSpan `json:"go_spans,omitempty"`
}

// A Sample is what the child and all processes under it did in one interval.
type Sample struct {
	At      Span  `json:"at_ms"`             // end of the interval, offset from Session.Start
	Took    Span  `json:"took_ms"`           // its length
	CPU     Span  `json:"cpu_ms"`            // processor time of the whole tree in it
	Read    int64 `json:"read,omitempty"`    // bytes read from disks; -1: this system does not say
	Written int64 `json:"written,omitempty"` // bytes written to disks; -1: this system does not say
	// Disk is how long, within the interval, threads of the tree were seen waiting for a disk
	// (Linux: state D). It is an estimate from instants.
	Disk Span `json:"disk_ms,omitempty"`
	// Lock is how long a process of the tree was seen waiting for a file lock that another
	// process holds. It is an estimate from instants.
	Lock Span `json:"lock_ms,omitempty"`
	// Queued is how long threads of the tree were ready to run and had no processor, summed
	// over them (Linux); 0: never, or this system does not say.
	Queued Span `json:"queued_ms,omitempty"`
	// Tools are the processes under the child other than the go command itself, by the
	// name of their program (git, ssh, git-remote-https, compile, link, …); UnknownTool are
	// those that began and ended between two looks.
	Tools []Tool `json:"tools,omitempty"`
}

// UnknownTool is the Name of a Tool that nobody saw, but whose processor time is known. Its
// Count is 0.
const UnknownTool = "?"

// A Tool is one program under the child in a Sample.
type Tool struct {
	Name  string `json:"name"`
	Count int    `json:"count"`            // processes of that name at the end of the interval, or that ended in it
	CPU   Span   `json:"cpu_ms,omitempty"` // their processor time in the interval
}

// A GoSpan is one step of the go command's own work, as it writes it for -debug-trace.
type GoSpan struct {
	Name  string `json:"name"`     // as in "modfetch.unzip golang.org/x/text@v0.43.0"
	Start Span   `json:"start_ms"` // offset from Session.Start
	Took  Span   `json:"took_ms"`
}

// A Finding is one thing that is wrong, as DESIGN §8 words it.
type Finding struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"` // bad, warn, info
	Title    string   `json:"title"`
	Cost     Span     `json:"cost_ms"`
	Evidence []uint64 `json:"evidence,omitempty"`    // exchange ids, the most telling first
	Of       int      `json:"evidence_of,omitempty"` // how many exchanges there were, when Evidence names only some
	Conns    []uint64 `json:"conns,omitempty"`       // connection ids, for what no exchange shows
	ConnsOf  int      `json:"conns_of,omitempty"`    // how many connections there were, when Conns names only some
	Numbers  []Number `json:"numbers,omitempty"`     // what was measured, and the limit it was held against
	Caveat   string   `json:"caveat,omitempty"`      // what is not known, or speaks against it
	Remedy   string   `json:"remedy,omitempty"`
	Commands []string `json:"commands,omitempty"` // for the user's shell, to be pasted
}

// A Number is one measurement behind a finding.
type Number struct {
	Name  string  `json:"name"` // as in "time to first byte"
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`            // ms, B, B/s, share (a part of 1), or "" for a count
	Limit float64 `json:"limit,omitempty"` // the threshold that Value passed; 0: none
}

// The severities of a Finding, the worst first: the command failed of it or lost much
// time; it lost time, or something will go wrong; it is worth knowing.
const (
	Bad  = "bad"
	Warn = "warn"
	Info = "info"
)

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
