package diagnose

import (
	"net/url"
	"sync"
	"time"

	"modtap/recorder"
)

// The buckets of the accounting, DESIGN §8. Together they are the wall time.
const (
	BucketDNS      = "dns"
	BucketConnect  = "connect"
	BucketTLS      = "tls"
	BucketSend     = "send"
	BucketWait     = "wait"
	BucketReceive  = "receive"
	BucketQueue    = "queue"    // before a request could be sent: a parent proxy's CONNECT, a stream's turn
	BucketGo       = "go"       // the command's own work: unzip, hash, compile, reading what it was sent
	BucketVCS      = "vcs"      // git past modtap (ssh), and git's local work
	BucketLock     = "lock"     // waiting for a file lock that another process holds
	BucketInjected = "injected" // delays of the user's own rules
	BucketModtap   = "modtap"   // modtap's own time
	BucketIdle     = "idle"     // neither network nor measured work of the child
)

// Buckets has every bucket, in the order in which reports name them.
var Buckets = []string{
	BucketDNS, BucketConnect, BucketTLS, BucketSend, BucketWait, BucketReceive, BucketQueue,
	BucketGo, BucketVCS, BucketLock, BucketInjected, BucketModtap, BucketIdle,
}

// An Analysis is a run laid out: what rules look at. They must not modify it: several may
// look at it at a time.
type Analysis struct {
	In   *Input
	Env  *recorder.Environ // never nil; what it does not say is empty
	From recorder.Span     // start of the command, or of the first request; offset from Session.Start
	To   recorder.Span     // its end
	Wall recorder.Span     // To - From

	// Predicted is what the remedy of a Prediction (by its ID: parallelism, go-sum) would
	// save; ok is false when that cannot be told. Nil: nothing can, and rules estimate.
	Predicted func(id string) (saves recorder.Span, ok bool)
	played    *played // see player
	onePlayer sync.Mutex

	goFacts  *goView // what the rules of rules_go.go share; made on first use
	onceView sync.Once

	Calls     []Call    // every logical request, in the order of starting
	Path      []Segment // the critical path: From to To without a gap, in the order of time
	Entries   []Entry   // the GOPROXY list
	conns     map[uint64]*recorder.Conn
	tunnels   map[uint64]*recorder.Tunnel
	callOf    map[uint64]int // exchange id to index in Calls
	zero      time.Time      // what offsets count from: Session.Start, or the first request
	lead      []int32        // by call: the one that leads its task, see tasks
	modGraphs []modGraph     // by call, of those for .mod files
	lastEnd   int            // the call that ended last within the run; -1: there is none
}

// A Call is one logical request of the child: one exchange, or the two copies of a 4xx,
// each with the redirects that it led to.
type Call struct {
	Exchanges []*recorder.Exchange // in the order of starting; never empty
	URL       *url.URL             // of the first; never nil
	Start     recorder.Span        // when the child asked; offset from Session.Start
	End       recorder.Span        // when the child had the last byte, or the error
	Entry     int                  // index in Analysis.Entries that it was sent to; -1: none of them
	Doubled   bool                 // a 4xx that the go command sent twice (go-command.md §0.1)
	Pred      int                  // index of the Call it waited for; -1: none, the start of the command
	Why       string               // why it waited for Pred, as in "lookup of rsc.io/quote@v1.5.2 needs its .mod"
	Preds     []Dep                // all that it had to wait for, the binding one (Pred) first

	opening recorder.Span // how long, just before Start, it waited for its connection's opening
}

// A Dep is a call that another one had to wait for.
type Dep struct {
	Call int    // index in Analysis.Calls, less than that of the call that waited
	Why  Reason // the rule
	// Lag is the least time from the end of Call to the start of the call that waited. It
	// may be a little below 0: modtap notes an end after the child has the last byte.
	Lag recorder.Span
}

// First is the first exchange of the call, which has its kind, module and version.
func (c *Call) First() *recorder.Exchange { return c.Exchanges[0] }

// Last is the last one, which has its status.
func (c *Call) Last() *recorder.Exchange { return c.Exchanges[len(c.Exchanges)-1] }

// Took is how long the child waited for the call.
func (c *Call) Took() recorder.Span { return c.End - c.Start }

// A Segment is a stretch of the critical path in one bucket.
type Segment struct {
	Bucket   string        `json:"bucket"`
	From     recorder.Span `json:"from_ms"` // offset from Session.Start
	To       recorder.Span `json:"to_ms"`
	Exchange uint64        `json:"exchange,omitempty"` // whose phase it is; 0: time between requests
	Note     string        `json:"note,omitempty"`     // as in "unzip golang.org/x/text@v0.43.0"
}

// Took is the length of s.
func (s Segment) Took() recorder.Span { return s.To - s.From }

// An Entry is one element of the GOPROXY list.
type Entry struct {
	URL  *url.URL // nil: direct or off
	Name string   // as in the list, redacted
	Sep  string   // what stands after it: "," goes on after 404 and 410, "|" after any error; "" for the last
}

// Conn returns the connection with that id, or nil.
func (a *Analysis) Conn(id uint64) *recorder.Conn { return a.conns[id] }

// CallOf returns the call that the exchange with that id belongs to, or nil.
func (a *Analysis) CallOf(exchange uint64) *Call {
	if i, ok := a.callOf[exchange]; ok {
		return &a.Calls[i]
	}
	return nil
}

// Failed reports whether the command ended with another status than 0.
func (a *Analysis) Failed() bool { return a.In.Process != nil && a.In.Process.ExitCode != 0 }

// Setting returns a setting of the go command (GOPROXY, GOSUMDB, …); "" when it is not
// set or not known.
func (a *Analysis) Setting(name string) string {
	if v, ok := a.Env.Go[name]; ok {
		return v
	}
	if s := a.In.Session; s != nil {
		switch name {
		case "GOPROXY":
			return s.GOPROXY
		case "GOSUMDB":
			return s.GOSUMDB
		case "GOVERSION":
			return s.Go
		}
	}
	return ""
}

// PathTime is how much of the critical path is made of segments that keep chooses.
func (a *Analysis) PathTime(keep func(Segment) bool) recorder.Span {
	var sum recorder.Span
	for _, s := range a.Path {
		if keep(s) {
			sum += s.Took()
		}
	}
	return sum
}
