package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modtap/cmd/internal/gittrace"
	"modtap/recorder"
	"modtap/viewer/report"
)

const (
	overSSH = "git over ssh"
	pastUs  = "git past modtap"
	// maxUnseen bounds what the recording says of connections that were not seen.
	maxUnseen = 1000
	// gitSlack is how much earlier than git's program a tunnel of that may say that it
	// began: both are by the same clock, which is not equally fine everywhere.
	gitSlack = 20 * time.Millisecond
	// escapeTime bounds asking git why it went past us, and maxEscapes about how many hosts.
	escapeTime = 3 * time.Second
	maxEscapes = 8
)

// A gitWatch finds what git did without us. Of its zero value nothing is known.
type gitWatch struct {
	dir    string   // of the traces; "": none are written
	theirs string   // the user's setting that kept us from writing them
	env    []string // of the child
	ours   string   // the proxy's URL
}

// watchGit makes the child's git tell of its remotes, in a folder below dir, unless the
// user's settings send that elsewhere.
func (s *session) watchGit(dir string) error {
	if s.git.theirs = gittrace.Users(s.getenv, s.environ); s.git.theirs != "" {
		return nil
	}
	s.git.dir = filepath.Join(dir, "git")
	if err := os.Mkdir(s.git.dir, 0o700); err != nil {
		return fmt.Errorf("make a folder for git's traces: %w", err)
	}
	s.trust.GitTrace, s.git.ours = s.git.dir, s.trust.URL
	return nil
}

// unseen returns what the child did past us, as data and in words.
func (s *session) unseen(end time.Time) ([]recorder.Unseen, []string) {
	if s.git.dir == "" || s.git.env == nil {
		if s.git.theirs != "" {
			return nil, []string{overSSH + " (" + s.git.theirs + " is set: modtap could not look)"}
		}
		return nil, []string{overSSH}
	}
	trace := gittrace.ReadDir(s.git.dir)
	passed := s.passed()
	var all []recorder.Unseen
	add := func(r gittrace.Remote, what, target, why string) {
		u := recorder.Unseen{What: what, Target: s.redactor.Text(target), Start: s.since(r.Start), Took: recorder.Span(r.Took), Why: s.redactor.Text(why)}
		if !r.Ended {
			u.Took, u.Cut = recorder.Span(max(0, end.Sub(r.Start))), true
		}
		all = append(all, u)
	}
	ctx, cancel := context.WithTimeout(context.Background(), escapeTime)
	defer cancel()
	why := map[string]string{} // by host
	for _, r := range trace.Remotes {
		if len(all) == maxUnseen {
			trace.Incomplete = true
			break
		}
		if r.Transport == "ssh" {
			add(r, overSSH, r.Host, "")
			continue
		}
		if passed.saw(r, end) {
			continue
		}
		reason, asked := why[r.Host]
		if !asked && len(why) < maxEscapes {
			reason = s.git.why(ctx, r)
			why[r.Host] = reason
		}
		// One that failed may never have come to connecting.
		if reason != "" || r.Ended && r.Code == 0 {
			add(r, pastUs, r.Transport+"://"+r.Host, reason)
		}
	}
	blind := inWords(all)
	if trace.Incomplete {
		blind = append(blind, "more of git than was looked at")
	}
	if trace.Processes == 0 && gittrace.TooOld(s.git.env) {
		blind = append(blind, overSSH)
	}
	return all, blind
}

// why names the setting that led git past us; "" where there is none.
func (w *gitWatch) why(ctx context.Context, r gittrace.Remote) string {
	p, ok := gittrace.ProxyFor(ctx, w.env, "", r, w.ours)
	if !ok {
		return ""
	}
	text := p.Key + "=" + p.Value
	if p.File != "" {
		text += " in " + p.File
	}
	return text
}

// inWords sums up what was not seen, a line for each kind and target.
func inWords(all []recorder.Unseen) []string {
	type group struct{ what, target, why string }
	var order []group
	spans := map[group][]recorder.Unseen{}
	for _, u := range all {
		g := group{u.What, u.Target, u.Why}
		if spans[g] == nil {
			order = append(order, g)
		}
		spans[g] = append(spans[g], u)
	}
	var words []string
	for _, g := range order {
		n, took, cut := len(spans[g]), covered(spans[g]), ""
		if slices.ContainsFunc(spans[g], func(u recorder.Unseen) bool { return u.Cut }) {
			cut = "up to "
		}
		count := "1 connection"
		if n > 1 {
			count = fmt.Sprintf("%d connections", n)
		}
		text := fmt.Sprintf("%s to %s: %s, %s%s", g.what, g.target, count, cut, report.Duration(took))
		if g.what == pastUs {
			text = fmt.Sprintf("git to %s went past modtap: %s", strings.TrimPrefix(g.target, "https://"), cmp.Or(g.why, count))
		}
		words = append(words, text)
	}
	return words
}

// covered is the time in which at least one of all lasted.
func covered(all []recorder.Unseen) time.Duration {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b recorder.Unseen) int { return cmp.Compare(a.Start, b.Start) })
	var total, until recorder.Span
	for _, u := range all {
		if to := u.Start + u.Took; to > until {
			total += to - max(u.Start, until)
			until = to
		}
	}
	return total.Duration()
}

// A passage is the beginning of git's talk to a host through us.
type passage struct {
	hostport string
	from     time.Time
}

// passages is what came through. Before since it may not be complete.
type passages struct {
	all   []passage
	since time.Time
}

// passed collects where git's tunnels and plain requests led.
func (s *session) passed() passages {
	var p passages
	tunnels := 0
	events, _ := s.log.Snapshot()
	for _, e := range events {
		switch {
		case e.Tunnel != nil:
			tunnels++
			if p.since.IsZero() || e.Tunnel.Start.Before(p.since) {
				p.since = e.Tunnel.Start
			}
			if strings.HasPrefix(e.Tunnel.Agent, "Go-http-client/") {
				continue // the go command's own
			}
			p.all = append(p.all, passage{e.Tunnel.Target, e.Tunnel.Start})
		case e.Exchange != nil && e.Exchange.Tunnel == 0:
			if u, err := url.Parse(e.Exchange.URL); err == nil {
				p.all = append(p.all, passage{withPort(u), e.Exchange.Start})
			}
		}
	}
	if tunnels < recorder.KeepDone {
		p.since = time.Time{}
	}
	return p
}

// saw reports whether r came through us, or may have: each program of git opens its own
// connections, so one of them began while it ran.
func (p *passages) saw(r gittrace.Remote, end time.Time) bool {
	u, err := url.Parse(r.URL)
	if err != nil || r.Start.Before(p.since) {
		return true
	}
	if r.Ended {
		end = r.Start.Add(r.Took)
	}
	from, to, hostport := r.Start.Add(-gitSlack), end.Add(gitSlack), withPort(u)
	return slices.ContainsFunc(p.all, func(at passage) bool {
		return strings.EqualFold(at.hostport, hostport) && at.from.After(from) && at.from.Before(to)
	})
}

func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
