package diagnose

import (
	"fmt"
	"time"

	"modtap/recorder"
)

// notes is what the reader must know about the numbers. That events or requests are missing
// is told with the recording.
func (a *Analysis) notes() []string {
	in := a.In
	var out []string
	if in.Skipped > 0 {
		out = append(out, fmt.Sprintf("%d entries of the file make no sense and were passed over: what is said here of requests may be incomplete", in.Skipped))
	}
	if in.Part > 1 {
		out = append(out, fmt.Sprintf("this is part %d alone of a recording: its first file gives all of it", in.Part))
	}
	if in.Torn {
		out = append(out, "the recording ends in the middle: what came after that is not known")
	}
	if in.LeftOut > 0 {
		out = append(out, fmt.Sprintf("%d later requests were not kept, as there was no recording: their time is not in any of the numbers", in.LeftOut))
	}
	if in.ConnsLeftOut > 0 {
		out = append(out, fmt.Sprintf("%d connections, tunnels and live findings were not kept: of connections that no request used, only the others are counted", in.ConnsLeftOut))
	}
	out = append(out, a.processNotes()...)
	if in.Foreign {
		out = append(out, "another program made this recording: when the client took the bytes, what it did between requests, "+
			"and connections that no request used are not known in it")
	}
	if s := in.Session; s != nil && !s.Forward() {
		note := "requests came to modtap as to a GOPROXY: the go command's own connections, and the second copy that it would send of each 4xx, are not in it"
		if s.Capture == recorder.CaptureBoth {
			note = "requests to GOPROXY entries on this machine came to modtap as to a GOPROXY: the go command's own connections to them are not in it"
		}
		out = append(out, note)
	}
	if len(a.goCommand()) > 0 && len(in.Exchanges) > 0 {
		out = append(out, "the times of go -x end at a response's headers, these at its last byte")
	}
	return out
}

// processNotes is what is not known of the command.
func (a *Analysis) processNotes() []string {
	p := a.In.Process
	if p == nil {
		return []string{"no command was recorded: the wall time is from the first request to the end of the last, and what was done between requests is not known"}
	}
	var out []string
	if p.End <= p.Start {
		out = append(out, "the end of the command is not in the recording: the wall time is up to the last thing that is")
	}
	if len(p.Samples) > 0 || a.Wall <= 0 {
		return out
	}
	note := "the command's processes were not sampled: time between requests is idle here although the command may have worked in it"
	if cpu := p.User + p.System; cpu > 0 {
		note += fmt.Sprintf("; it used %v of processor time in all", cpu.Duration().Round(10*time.Millisecond))
	}
	return append(out, note)
}
