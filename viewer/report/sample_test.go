package report

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/gomod"
)

// A sample is a diagnosis made by hand: what the writers are tested with does not depend on
// what today's rules find.
type sample struct {
	*Document
	in *diagnose.Input
	a  *diagnose.Analysis
}

func newSample(wall float64, command ...string) *sample {
	in := &diagnose.Input{
		Session: &recorder.Session{ID: "S", Mode: "run", Argv: command, Start: start, OS: "linux/amd64", Go: "go1.26.8", GOPROXY: "https://proxy.golang.org,direct"},
		Process: &recorder.Process{Start: ms(10), End: ms(10 + wall)},
	}
	a := &diagnose.Analysis{In: in, Env: &recorder.Environ{}, From: ms(10), To: ms(10 + wall), Wall: ms(wall)}
	r := &diagnose.Report{
		Schema: diagnose.Schema, Command: command, Mode: "run", Tool: "modtap v1.2.0", Wall: ms(wall), Analysis: a,
		BlindSpots: []string{"localhost"},
		Overhead:   diagnose.Bucket{Name: diagnose.BucketModtap, Time: ms(wall * 0.004), Share: 0.004},
	}
	return &sample{&Document{Report: r, Recording: "/home/u/.cache/modtap/recordings/modtap-20261122-143000.har"}, in, a}
}

// spent sets the buckets, by name, in milliseconds.
func (s *sample) spent(ms_ map[string]float64) {
	for _, name := range diagnose.Buckets {
		if d := ms_[name]; d > 0 {
			s.Report.Accounting.Buckets = append(s.Report.Accounting.Buckets, diagnose.Bucket{Name: name, Time: ms(d), Share: d / s.Report.Wall.Milliseconds()})
		}
	}
}

// get adds a request that is a call of its own: when it began, and how long its phases
// took, in milliseconds.
func (s *sample) get(at, connect, wait, receive float64, what, module string, status int, size int64) *recorder.Exchange {
	name, version, _ := strings.Cut(module, "@")
	raw := "https://proxy.golang.org/" + name + "/@v/" + version + "." + what
	u, _ := url.Parse(raw)
	x := &recorder.Exchange{ID: uint64(len(s.a.Calls) + 1), Conn: 1, Start: start.Add(time.Duration(at * 1e6)), Method: "GET", URL: raw, Proto: "HTTP/2.0", Status: status, Done: true}
	x.Go.Kind, x.Go.Module, x.Go.Version = gomod.Kind(what), name, version
	x.Response.BodySize = size
	t := 1.0
	m := &x.Server
	if connect > 0 {
		m.DNSStart, m.DNSDone = ms(t), ms(t+connect/4)
		m.ConnectStart, m.ConnectDone = ms(t+connect/4), ms(t+connect/2)
		m.TLSStart, m.TLSDone = ms(t+connect/2), ms(t+connect)
		t += connect
	}
	m.WroteHeaders, m.WroteRequest = ms(t+0.1), ms(t+0.2)
	m.FirstByte, m.LastByte, m.End = ms(t+0.2+wait), ms(t+0.2+wait+receive), ms(t+0.2+wait+receive)
	x.Client.End = m.End
	s.in.Exchanges = append(s.in.Exchanges, *x)
	s.a.Calls = append(s.a.Calls, diagnose.Call{Exchanges: []*recorder.Exchange{x}, URL: u, Start: ms(at), End: ms(at) + m.End, Entry: 0, Pred: len(s.a.Calls) - 1})
	return x
}

// onPath puts a stretch on the critical path.
func (s *sample) onPath(from, to float64, bucket string, exchange uint64, what, why string) {
	s.a.Path = append(s.a.Path, diagnose.Segment{Bucket: bucket, From: ms(from), To: ms(to), Exchange: exchange, Note: what})
	s.Report.CriticalPath = append(s.Report.CriticalPath, diagnose.Link{From: ms(from), To: ms(to), Exchange: exchange, What: what, Bucket: bucket, Why: why})
}

func (s *sample) finding(f recorder.Finding) {
	s.Report.Findings = append(s.Report.Findings, f)
	if s.Report.Told == nil {
		s.Report.Told = map[uint64]bool{}
	}
	for _, id := range f.Evidence {
		s.Report.Told[id] = s.Report.Told[id] || f.Severity != recorder.Info
	}
}

// samples are what a report may have to tell.
var samples = map[string]func() *sample{
	"corporate": corporate, "healthy": healthy, "failing": failing, "foreign": foreign, "empty": empty, "strange": strange, "many": many, "untold": untold,
}

// corporate is a slow company network: private modules are asked for at the public proxy.
func corporate() *sample {
	s := newSample(48_200, "go", "mod", "download")
	r := s.Report
	s.get(60, 1900, 58_000*0.4, 0, "list", "git.corp.example/team/lib@", 404, 60)
	s.get(60, 0, 58_000*0.4, 0, "list", "git.corp.example/team@", 404, 60)
	s.get(26_000, 0, 410, 12, "mod", "k8s.io/api@v0.34.1", 200, 1400)
	s.get(26_500, 0, 380, 2, "info", "k8s.io/api@v0.34.1", 200, 90)
	s.get(27_000, 0, 420, 9800, "zip", "k8s.io/api@v0.34.1", 200, 19_300_000)
	s.get(27_100, 0, 450, 2300, "zip", "golang.org/x/net@v0.62.0", 200, 1_900_000)
	s.get(37_300, 1200, 400, 300, "zip", "golang.org/x/text@v0.43.0", 200, 7_300_000)
	s.spent(map[string]float64{"dns": 900, "connect": 800, "tls": 1900, "send": 20, "wait": 31_000, "receive": 9_000, "queue": 80, "go": 3_900, "modtap": 30, "idle": 570})
	r.Requests = diagnose.Requests{Count: 412, Logical: 371, Doubled: 41, DoubledCost: ms(1300), NotFound: 41, Bytes: 86_400_000, MaxInFlight: 10, AnyInFlight: ms(44_000)}
	r.Connections = diagnose.Connections{Count: 8, Unused: 2, Handshakes: 8, PerRequest: 8.0 / 412}
	r.Entries = []diagnose.EntryUse{{Name: "https://proxy.golang.org", Sep: ",", Requests: 380, Answered: 330, NotFound: 41, Cost: ms(28_000)}, {Name: "direct", Requests: 32, Answered: 32}}
	r.Hosts = []diagnose.Group{
		{Name: "proxy.golang.org", Requests: 330, Bytes: 80_000_000, Time: ms(90_000), OnPath: ms(38_000), WaitP50: ms(380), WaitP95: ms(23_200), Handshakes: 4, Unused: 1, MinRTT: ms(180)},
		{Name: "sum.golang.org", Requests: 70, Bytes: 400_000, Time: ms(9_000), OnPath: ms(4_000), WaitP50: ms(390), WaitP95: ms(600), Handshakes: 2, Unused: 1},
		{Name: "git.corp.example", Requests: 12, Bytes: 6_000_000, Time: ms(4_000), OnPath: ms(1_000), WaitP50: ms(20), WaitP95: ms(80), Handshakes: 2, MinRTT: ms(4)},
	}
	r.Steps = []diagnose.Group{
		{Name: "list", Requests: 82, Bytes: 4_900, OnPath: ms(25_100), WaitP50: ms(23_000), WaitP95: ms(23_200)},
		{Name: "zip", Requests: 90, Bytes: 80_000_000, OnPath: ms(12_000), WaitP50: ms(420), WaitP95: ms(900)},
		{Name: "sumdb", Requests: 70, Bytes: 400_000, OnPath: ms(4_000), WaitP50: ms(390), WaitP95: ms(600)},
		{Name: "mod", Requests: 90, Bytes: 120_000, OnPath: ms(1_200), WaitP50: ms(390), WaitP95: ms(500)},
		{Name: "info", Requests: 80, Bytes: 9_000, OnPath: ms(900), WaitP50: ms(380), WaitP95: ms(450)},
	}
	r.Modules = []diagnose.ModuleUse{
		{Module: "git.corp.example/team/lib", Requests: 4, Bytes: 240, First: ms(60), Last: ms(25_200), Own: ms(25_140), OnPath: ms(25_100), Slowest: 1, Cause: "list: wait 23.2 s of 25.1 s"},
		{Module: "k8s.io/api", Versions: []string{"v0.34.1"}, Requests: 4, Bytes: 19_301_490, First: ms(26_000), Last: ms(37_220), Own: ms(11_000), OnPath: ms(10_900), Slowest: 5, Cause: "zip: receive 9.8 s of 10.2 s"},
		{Module: "golang.org/x/net", Versions: []string{"v0.62.0", "v0.61.0"}, Requests: 6, Bytes: 1_901_490, Own: ms(2_900), Slowest: 6, Cause: "zip: receive 2.3 s of 2.8 s"},
		{Module: "golang.org/x/text", Versions: []string{"v0.43.0"}, Requests: 4, Bytes: 7_301_490, Own: ms(2_000), Slowest: 7, Cause: "zip: connect 1.2 s of 1.9 s"},
	}
	r.Concurrency = []diagnose.Level{{At: ms(60), N: 2}, {At: ms(25_200), N: 0}, {At: ms(26_000), N: 1}, {At: ms(27_000), N: 10}, {At: ms(38_000), N: 2}, {At: ms(44_000), N: 0}}
	s.onPath(10, 60, "go", 0, "reading go.mod", "")
	s.onPath(60, 25_161, "wait", 1, "list git.corp.example/team/lib", "the first request")
	s.onPath(25_161, 26_000, "go", 0, "choosing versions", "")
	s.onPath(26_000, 26_423, "wait", 3, "mod k8s.io/api@v0.34.1", "a version is chosen after the list")
	s.onPath(26_423, 27_000, "wait", 4, "info k8s.io/api@v0.34.1", "go asks for .info one after another")
	s.onPath(27_000, 37_221, "receive", 5, "zip k8s.io/api@v0.34.1", "a zip needs the version")
	s.onPath(37_221, 39_200, "tls", 7, "zip golang.org/x/text@v0.43.0", "no slot was free: GOMAXPROCS=4")
	s.onPath(39_200, 48_210, "go", 0, "unzip k8s.io/api@v0.34.1", "unzip needs the zip")
	s.finding(recorder.Finding{
		ID: "slow-404", Severity: recorder.Bad, Title: "proxy.golang.org took 23.2 s to answer 404 for 2 modules of git.corp.example", Cost: ms(25_100),
		Evidence: []uint64{1, 2}, Numbers: []recorder.Number{{Name: "time to the 404", Value: 23_200, Unit: "ms", Limit: 5000}, {Name: "modules", Value: 2}},
		Remedy: "These look private. Have go fetch them from where they are, and ask neither the public proxy nor the checksum database:", Commands: []string{"go env -w GOPRIVATE=git.corp.example"},
	})
	s.finding(recorder.Finding{
		ID: "tls-slow", Severity: recorder.Warn, Title: "TLS handshakes with proxy.golang.org take 950 ms, the TCP connect before them 475 ms", Cost: ms(1_900), Evidence: []uint64{1, 7},
		Conns: []uint64{1, 3}, Numbers: []recorder.Number{{Name: "TLS handshake, median", Value: 950, Unit: "ms", Limit: 800}}, Caveat: "Only 2 handshakes were seen.",
		Remedy: "Something on the way looks at every handshake. Ask for an exception for the host, or use a mirror inside the network:", Commands: []string{"go env -w GOPROXY=https://goproxy.corp.example,direct"},
	})
	s.finding(recorder.Finding{ID: "low-parallelism", Severity: recorder.Info, Title: "go had at most 4 requests of one kind in flight", Cost: ms(300), Remedy: "Give it more:", Commands: []string{"GOMAXPROCS=16 go mod download"}})
	r.WhatIf = []diagnose.Prediction{
		{ID: "no-fallback", What: "GOPRIVATE=git.corp.example, so that the proxy is not asked", Wall: ms(22_900), Saves: ms(25_300), Sure: "high", Why: "the requests and what waited for them are left out of the replay", Commands: []string{"go env -w GOPRIVATE=git.corp.example"}},
		{ID: "parallelism", What: "GOMAXPROCS=16 instead of 4", Wall: ms(45_000), Saves: ms(3_200), Sure: "medium", Why: "the server may be slower with more requests at a time"},
	}
	r.Notes = []string{"go -x shows the time until an answer's headers; the times here are those until its last byte."}
	return s
}

// healthy is a quick download with nothing to complain about.
func healthy() *sample {
	s := newSample(2_090, "go", "mod", "download")
	r := s.Report
	s.get(20, 30, 12, 1, "mod", "golang.org/x/text@v0.43.0", 200, 1200)
	s.get(90, 0, 10, 0.4, "info", "golang.org/x/text@v0.43.0", 200, 50)
	s.get(110, 0, 10, 23, "zip", "golang.org/x/text@v0.43.0", 200, 7_300_000)
	s.spent(map[string]float64{"dns": 2, "connect": 8, "tls": 16, "wait": 60, "receive": 90, "go": 1_880, "modtap": 9, "idle": 25})
	r.Requests = diagnose.Requests{Count: 56, Logical: 56, Bytes: 15_600_000, MaxInFlight: 8, AnyInFlight: ms(177)}
	r.Connections = diagnose.Connections{Count: 2, Unused: 1, Handshakes: 2, PerRequest: 2.0 / 56}
	r.Hosts = []diagnose.Group{{Name: "proxy.golang.org", Requests: 56, Bytes: 15_600_000, OnPath: ms(176), WaitP50: ms(1.6), WaitP95: ms(2.2), Handshakes: 2, Unused: 1}}
	r.Steps = []diagnose.Group{
		{Name: "zip", Requests: 17, Bytes: 15_600_000, OnPath: ms(110), WaitP50: ms(3), WaitP95: ms(12)},
		{Name: "mod", Requests: 22, Bytes: 2_800, OnPath: ms(40), WaitP50: ms(1.7), WaitP95: ms(2.7)},
		{Name: "info", Requests: 17, Bytes: 912, OnPath: ms(26), WaitP50: ms(1.6), WaitP95: ms(2.4)},
	}
	r.Modules = []diagnose.ModuleUse{{Module: "golang.org/x/text", Versions: []string{"v0.43.0"}, Requests: 3, Bytes: 7_301_250, Own: ms(91), OnPath: ms(90), Slowest: 3, Cause: "zip: receive 23 ms of 34 ms"}}
	r.Concurrency = []diagnose.Level{{At: ms(20), N: 1}, {At: ms(90), N: 4}, {At: ms(150), N: 0}}
	s.onPath(10, 20, "go", 0, "reading go.mod", "")
	s.onPath(20, 64, "tls", 1, "mod golang.org/x/text@v0.43.0", "the first request")
	s.onPath(64, 90, "go", 0, "go's own work", "")
	s.onPath(90, 101, "wait", 2, "info golang.org/x/text@v0.43.0", "go asks for .info one after another")
	s.onPath(110, 144, "receive", 3, "zip golang.org/x/text@v0.43.0", "a zip needs the version")
	s.onPath(144, 2_100, "go", 0, "unzip golang.org/x/text@v0.43.0", "unzip needs the zip")
	return s
}

// failing ends with an error, over a recording that is not whole.
func failing() *sample {
	s := newSample(31_000, "go", "build", "./...")
	r := s.Report
	r.ExitCode, s.in.Process.ExitCode = 1, 1
	x := s.get(40, 0, 0, 0, "info", "rsc.io/quote@v1.5.2", 0, 0)
	x.Err = &recorder.Error{Op: "dial", Msg: "dial tcp 142.250.1.1:443: i/o timeout"}
	x.Server = recorder.Marks{DNSStart: ms(1), DNSDone: ms(12), ConnectStart: ms(12), End: ms(30_012)}
	s.a.Calls[0].End = ms(40 + 30_012)
	s.spent(map[string]float64{"dns": 11, "connect": 30_000, "go": 700, "idle": 289})
	r.Requests = diagnose.Requests{Count: 1, Logical: 1, Failed: 1, MaxInFlight: 1, AnyInFlight: ms(30_012)}
	r.Connections = diagnose.Connections{Failed: 1}
	r.Hosts = []diagnose.Group{{Name: "proxy.golang.org", Requests: 1, Time: ms(30_012), OnPath: ms(30_012), Failed: 1}}
	r.Steps = []diagnose.Group{{Name: "info", Requests: 1, Time: ms(30_012), OnPath: ms(30_012), Failed: 1}}
	s.onPath(40, 30_052, "connect", 1, "info rsc.io/quote@v1.5.2", "the first request")
	s.finding(recorder.Finding{
		ID: "fallback-stopped", Severity: recorder.Bad, Title: "No connection to proxy.golang.org in 30 s, and the comma after it in GOPROXY forbids to ask the next one", Cost: ms(30_012), Evidence: []uint64{1},
		Remedy: "With | the next entry is asked after any error:", Commands: []string{"go env -w 'GOPROXY=https://proxy.golang.org|https://goproxy.io|direct'"},
	})
	s.in.Tunnels = []recorder.Tunnel{{ID: 3, Target: "ssh.example:22", Kind: "raw", End: ms(3)}}
	s.in.Session.Capture = recorder.CaptureReverse
	r.Unseen = []recorder.Unseen{{What: "git over ssh", Target: "git@github.com", Start: ms(400), Took: ms(900), Why: "url.ssh://git@github.com/.insteadOf"}}
	r.BlindSpots = []string{"git over ssh to git@github.com: 1 connection, 900 ms", "localhost"}
	s.Missing, s.Failure = 4, "no space left on device"
	return s
}

// foreign is a HAR of another program.
func foreign() *sample {
	s := newSample(3_200)
	r := s.Report
	r.Mode, r.Tool, r.Command = "har", "WebInspector 537.36", nil
	s.in.Foreign, s.in.Process, s.in.Session = true, nil, &recorder.Session{Mode: "har", Start: start, Tool: "WebInspector 537.36"}
	r.Overhead = diagnose.Bucket{}
	r.BlindSpots = nil
	s.get(0, 80, 120, 3000, "zip", "golang.org/x/text@v0.43.0", 200, 7_300_000)
	s.spent(map[string]float64{"dns": 20, "connect": 20, "tls": 40, "wait": 120, "receive": 3_000})
	r.Requests = diagnose.Requests{Count: 1, Logical: 1, Bytes: 7_300_000, MaxInFlight: 1, AnyInFlight: ms(3_200)}
	r.Hosts = []diagnose.Group{{Name: "proxy.golang.org", Requests: 1, Bytes: 7_300_000, OnPath: ms(3_200), WaitP50: ms(120), WaitP95: ms(120)}}
	s.onPath(0, 3_200, "receive", 1, "zip golang.org/x/text@v0.43.0", "")
	r.Notes = []string{
		"Another program wrote this recording. It has no command, so that the time is that from the first request to the last byte; nothing is known of go's own work, of connections without a request, or of the settings of the go command.",
	}
	return s
}

// empty is a command that asked for nothing.
func empty() *sample {
	s := newSample(12, "go", "version")
	s.Report.Overhead = diagnose.Bucket{}
	s.spent(map[string]float64{"go": 11, "idle": 1})
	return s
}

// untold has failures that no finding is about.
func untold() *sample {
	s := newSample(5_000, "go", "mod", "tidy")
	r := s.Report
	r.ExitCode, s.in.Process.ExitCode = 1, 1
	s.get(40, 20, 300, 5, "info", "example.com/a@v1.2.3", 200, 90)
	for i := range 4 {
		s.get(400+float64(i), 0, 80, 0, "zip", "example.com/a@v1.2.3", 503, 20)
	}
	s.get(900, 0, 80, 0, "list", "example.com/gone@", 404, 20)
	for i := range 3 {
		s.in.Exchanges[i+1].Reason = "Service Unavailable"
	}
	s.in.Exchanges[3].Status, s.in.Exchanges[3].Err = 0, &recorder.Error{Op: "dial", Msg: "dial tcp 10.1.2.3:443: i/o timeout"}
	s.in.Exchanges[4].Done = false
	s.spent(map[string]float64{"wait": 4_000, "go": 1_000})
	r.Requests = diagnose.Requests{Count: 6, Logical: 6, Failed: 4, NotFound: 1, Bytes: 190}
	r.Hosts = []diagnose.Group{{Name: "proxy.golang.org", Requests: 6, Bytes: 190, OnPath: ms(4_000)}}
	s.onPath(400, 480, "wait", 2, "zip example.com/a@v1.2.3", "a zip needs the version")
	return s
}

// strange has names that would do harm if they were obeyed, and modtap was slow.
func strange() *sample {
	s := newSample(900, "sh", "-c", "echo \x1b]0;owned\a '<script>alert(1)</script>'\n")
	r := s.Report
	evil := "_www.evil.example/<img src=x onerror=alert(1)>\x1b[2J|`x`\u202e"
	x := s.get(0, 10, 300, 10, "zip", evil+"@v1", 500, 10)
	x.Reason, x.URL = "Bad\x1b[31m", "https://evil.example/\"><script>alert(1)</script>"
	s.spent(map[string]float64{"wait": 300, "modtap": 120, "idle": 480})
	r.Overhead = diagnose.Bucket{Name: "modtap", Time: ms(120), Share: 120.0 / 900}
	r.Requests = diagnose.Requests{Count: 1, Logical: 1, Bytes: 10, MaxInFlight: 1, Failed: 1}
	r.Hosts = []diagnose.Group{{Name: "evil.example|" + strings.Repeat("long.", 30) + "example", Requests: 1, Bytes: 10, OnPath: ms(310)}}
	r.Modules = []diagnose.ModuleUse{{Module: evil, Requests: 1, Own: ms(310), Cause: "zip: wait 300 ms of 310 ms", Slowest: 1}}
	s.onPath(0, 310, "wait", 1, "zip "+evil, "`why` </details>")
	s.finding(recorder.Finding{ID: "slow-server", Severity: recorder.Warn, Title: evil + " </summary> is slow", Cost: ms(300), Evidence: []uint64{1, 99}, Remedy: "```\n# not a heading", Commands: []string{"echo ```", "echo '<b>'\necho 2"}})
	s.in.Lost = 12
	return s
}

// many has more requests than a page should show.
func many() *sample {
	s := newSample(60_000, "go", "mod", "download")
	for i := range maxRows + 500 {
		s.get(float64(i)*20, 0, 15, 3, "mod", fmt.Sprintf("example.com/m%d@v1.0.0", i), 200, 1000)
	}
	s.spent(map[string]float64{"wait": 50_000, "receive": 9_000, "go": 1_000})
	s.Report.Requests = diagnose.Requests{Count: maxRows + 500, Logical: maxRows + 500, Bytes: 2_500_000, MaxInFlight: 1}
	s.Report.Hosts = []diagnose.Group{{Name: "proxy.golang.org", Requests: maxRows + 500}}
	for i := range 60 {
		at := float64(i) * 1000
		s.onPath(at, at+1000, "wait", uint64(i+1), fmt.Sprintf("mod example.com/m%d@v1.0.0", i), "the graph is read one after another")
	}
	s.finding(recorder.Finding{ID: "latency-bound", Severity: recorder.Bad, Title: "2500 requests of 20 ms each, one after another", Cost: ms(40_000), Evidence: []uint64{2400, 2401}})
	for i := range 9 {
		s.finding(recorder.Finding{ID: fmt.Sprintf("info-%d", i), Severity: recorder.Info, Title: "something worth knowing, and that takes a line that is longer than eighty columns are wide", Cost: ms(1)})
	}
	return s
}
