package web_test

import (
	"context"
	"fmt"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// private is a module that the public proxy does not have: a 404, sent twice, and then
// a host whose TLS handshake gets no answer.
func (d *demo) private(at time.Duration) time.Duration {
	notFound := "not found: git.corp.example/shop/ledger@v1.4.2: unrecognized import path \"git.corp.example/shop/ledger\": https fetch: Get \"https://git.corp.example/shop/ledger?go-get=1\": dial tcp: lookup git.corp.example: no such host\n"
	s := sent{
		kind: gomod.Info, module: "git.corp.example/shop/ledger", version: "v1.4.2",
		url:    "https://" + proxy + "/git.corp.example/shop/ledger/@v/v1.4.2.info",
		status: 404, size: len(notFound), wait: 1240 * ms, receive: ms, conn: 1, mime: "text/plain; charset=UTF-8", body: notFound,
	}
	s.parent, at = d.send(at, s)
	s.wait = 310 * ms
	_, at = d.send(at+ms, s)
	d.ids++
	x := recorder.Exchange{
		ID: d.ids, Tunnel: 10, Start: d.start.Add(at + 2*ms), Method: "CONNECT", URL: "https://git.corp.example:443", Proto: "HTTP/1.1",
		Remote: "10.31.4.7:443", Go: gomod.Request{Kind: gomod.Connect},
		Request:  recorder.Message{HeaderSize: 110, Header: []recorder.Header{{Name: "User-Agent", Value: "Go-http-client/1.1"}, {Name: "Proxy-Authorization", Value: "Basic REDACTED"}}},
		Response: recorder.Message{HeaderSize: -1},
	}
	x.Server.DNSStart, x.Server.DNSDone = recorder.Span(ms), recorder.Span(41*ms)
	x.Server.ConnectStart, x.Server.ConnectDone = recorder.Span(41*ms), recorder.Span(62*ms)
	x.Server.TLSStart = recorder.Span(62 * ms)
	d.add(at+2*ms, recorder.Event{Tunnel: &recorder.Tunnel{ID: 10, Target: "git.corp.example:443", Agent: "Go-http-client/1.1", Kind: "mitm", Start: x.Start}})
	d.add(at+2*ms, recorder.Event{Exchange: clone(x)})
	x.Err = &recorder.Error{Op: "tls", Msg: "tls: failed to verify certificate: x509: certificate signed by unknown authority (issuer CN=Corp Gateway CA 2)"}
	_, end := d.done(x, at+2*ms, at+700*ms)
	return end
}

// zips downloads the modules; one is redirected to storage, and large ones are held up
// by a client that unzips.
func (d *demo) zips(at time.Duration) time.Duration {
	base := "https://" + proxy + "/"
	return d.inParallel(at, len(demoModules), func(i int, at time.Duration) time.Duration {
		m := demoModules[i]
		size := m.kb * 1000
		receive := time.Duration(float64(size) / 2.4e6 * float64(time.Second))
		s := sent{
			kind: gomod.Zip, module: m.path, version: m.version, url: base + m.path + "/@v/" + m.version + ".zip",
			status: 200, size: size, wait: d.about(rtt + 25*ms), receive: d.about(receive + ms), conn: 1, mime: "application/zip",
		}
		if size > 3e6 {
			s.held = s.receive / 4
		}
		if i%16 == 8 {
			to := "https://" + storage + "/proxy-golang-org-prod/5f1c9a7be03d2288-" + m.path + "-" + m.version + ".zip?Expires=1795400000&Signature=REDACTED"
			first := s
			first.status, first.size, first.receive, first.held, first.mime = 302, 0, 0, 0, "text/html; charset=utf-8"
			first.header = []recorder.Header{{Name: "Location", Value: to}}
			s.parent, at = d.send(at, first)
			s.kind, s.url, s.conn, s.opens = gomod.StorageZip, to, 9, i == 8
			at += ms
		}
		_, end := d.send(at, s)
		return end + receive/3 // unzip and hash keep the worker
	})
}

// finish ends the command and names what was found.
func (d *demo) finish(at time.Duration) {
	var infos []uint64
	var twins []uint64
	seen := map[uint64]bool{}
	for _, t := range d.events {
		x := t.e.Exchange
		if x == nil || seen[x.ID] {
			continue
		}
		seen[x.ID] = true
		if x.Go.Module == "git.corp.example/shop/ledger" {
			twins = append(twins, x.ID)
		} else if x.Go.Kind == gomod.Info {
			infos = append(infos, x.ID)
		}
	}
	d.add(at, recorder.Event{Process: &recorder.Process{Start: recorder.Span(2 * ms), End: recorder.Span(at), ExitCode: 1}})
	d.add(at+ms, recorder.Event{Finding: &recorder.Finding{
		ID: "slow-404", Severity: "bad", Title: "git.corp.example/shop/ledger is asked of the public proxy, which takes 1.24 s to say no, twice",
		Cost: recorder.Span(1550 * ms), Evidence: twins, Commands: []string{"go env -w GOPRIVATE=git.corp.example"},
	}})
	d.add(at+ms, recorder.Event{Finding: &recorder.Finding{
		ID: "serial-info", Severity: "warn", Title: fmt.Sprintf("%d .info requests went out one after the other", len(infos)),
		Cost: recorder.Span(2100 * ms), Evidence: infos, Commands: []string{"go list -deps ./... > /dev/null"},
	}})
	d.end = at + 2*ms
	d.add(d.end, recorder.Event{End: &recorder.End{At: recorder.Span(d.end), ExitCode: 1, BlindSpots: []string{"git over ssh"}}})
}

// play appends what happened before from at once, and the rest as the time comes, speed
// times as fast; it closes log when the session ends.
func (d *demo) play(ctx context.Context, log *recorder.Log, from time.Duration) {
	begin := time.Now()
	for _, t := range d.events {
		if wait := t.at - from - time.Since(begin); t.at > from && wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
		log.Append(t.e)
	}
	log.Close()
}
