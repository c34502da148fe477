package tui

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/recorder/shell"
)

var (
	headerName = regexp.MustCompile("^[\\w!#$%&'*+.^`|~-]+$") // RFC 9110
	plainName  = regexp.MustCompile(`^[\w-]+$`)               // may stand in a comment: a shell that knows none takes it for words
	webAddress = regexp.MustCompile(`^(?i:https?)://[^/?#]`)
)

// ofConnection are the headers that are of the connection, not of the request.
var ofConnection = []string{"connection", "proxy-connection", "proxy-authorization", "content-length", "transfer-encoding", "keep-alive", "te", "upgrade"}

// curlOf is the command for a POSIX shell that sends x again, the same as the page's
// (curl.js). Comments before it name what is left out. All of x was recorded from somewhere
// that modtap does not trust, and the command will be pasted: it is quoted, or left out.
func curlOf(x *recorder.Exchange) (string, error) {
	if x.Method != "GET" && x.Method != "HEAD" {
		return "", errors.New("only GET and HEAD can be sent again: the body of this request is not kept in a command")
	}
	if !webAddress.MatchString(x.URL) || hasControls(x.URL) {
		return "", errors.New("this address is none that curl should ask for")
	}
	words := []string{"curl", "--globoff"} // [ and { are text
	if x.Method == "HEAD" {
		words = append(words, "--head")
	}
	if x.Proto == "HTTP/1.1" {
		words = append(words, "--http1.1")
	}
	var hidden, lines []string
	for _, h := range x.Request.Header {
		name := strings.ToLower(h.Name)
		switch {
		case slices.Contains(ofConnection, name), !headerName.MatchString(h.Name), hasControls(h.Value):
			continue
		case isRedacted(h.Value):
			if plainName.MatchString(h.Name) && !slices.Contains(hidden, h.Name) {
				hidden = append(hidden, h.Name)
			}
			continue
		case name == "accept-encoding":
			words = append(words, "--compressed") // it is decoded, too
		}
		text := h.Name + ": " + h.Value
		if h.Value == "" {
			text = h.Name + ";" // how curl is told to send an empty one
		}
		words = append(words, "-H", shell.Sh.Quote(text))
	}
	if len(hidden) > 0 {
		lines = append(lines, "# left out, because their values are redacted: "+strings.Join(hidden, " "))
	}
	if isRedacted(x.URL) {
		lines = append(lines, "# parts of the address are redacted: put yours in their place")
	}
	words = append(words, "--url", shell.Sh.Quote(x.URL))
	return strings.Join(append(lines, strings.Join(words, " ")), "\n"), nil
}

// hasControls reports whether text has characters that could end a line or a header.
func hasControls(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// curlMsg is a request with its headers, to be copied as a command.
type curlMsg struct {
	id  uint64
	x   *recorder.Exchange
	err error
}

// copyCurl gives the terminal's clipboard a command that repeats the request. Its headers
// are asked for first unless they are here.
func (m *model) copyCurl() tea.Cmd {
	r := m.selected()
	if r == nil || m.source == nil {
		m.notice = "no request is pointed at"
		return nil
	}
	if x := m.detail.x; x != nil && x.ID == r.x.ID {
		return m.gotCurl(curlMsg{id: x.ID, x: x})
	}
	ctx, src, id := m.ctx, m.source, r.x.ID
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, apiWait)
		defer cancel()
		x, err := src.Exchange(ctx, id)
		return curlMsg{id, x, err}
	}
}

func (m *model) gotCurl(msg curlMsg) tea.Cmd {
	m.urgent = true
	text, err := "", msg.err
	if err == nil {
		text, err = curlOf(msg.x)
	}
	if err != nil {
		m.notice = "no curl command for #" + utoa(msg.id) + ": " + err.Error()
		return nil
	}
	return m.copy("the curl command of #"+utoa(msg.id), text)
}

// copyLink copies the address of a request on the page. It has no token in it: a browser
// that has opened the page of this session can open it, as long as modtap runs.
func (m *model) copyLink() tea.Cmd {
	r := m.selected()
	if r == nil {
		m.notice = "no request is pointed at"
		return nil
	}
	u, err := url.Parse(m.config.URL)
	switch {
	case err != nil || u.Host == "":
		m.notice = "there is no page to link to"
		return nil
	case u.Query().Get("recording") != "":
		m.notice = "a recording that was dropped on the page has no address; a link would show the other one"
		return nil
	}
	scheme := map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	link := url.URL{Scheme: cmp.Or(scheme, u.Scheme), Host: u.Host, Path: "/", Fragment: "x=" + utoa(r.x.ID)}
	return m.copy("the link to #"+utoa(r.x.ID)+", for a browser that has this page", link.String())
}

// copy gives text to the terminal's clipboard, if it has one that programs may write to;
// no terminal tells.
func (m *model) copy(what, text string) tea.Cmd {
	last := text[strings.LastIndexByte(text, '\n')+1:]
	m.notice = "copied, if the terminal allows it, " + what + ": " + last
	return tea.SetClipboard(text)
}
