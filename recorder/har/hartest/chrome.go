package hartest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"modtap/recorder"
)

// WriteChrome writes the exchanges of GoCommand(n) as a HAR in the layout of Chrome's
// network panel: indented, with lower-case names of headers, in the order of starting.
func WriteChrome(to io.Writer, n int) error {
	w := bufio.NewWriterSize(to, 1<<20)
	w.WriteString("{\n  \"log\": {\n    \"version\": \"1.2\",\n    \"creator\": {\n      \"name\": \"WebInspector\",\n      \"version\": \"537.36\"\n    },\n    \"pages\": [],\n    \"entries\": [\n      ")
	first := true
	for e := range GoCommand(n) {
		x := e.Exchange
		if x == nil {
			continue
		}
		if !first {
			w.WriteString(",\n      ")
		}
		first = false
		b, err := json.MarshalIndent(chromeEntry(x), "      ", "  ")
		if err != nil {
			return err
		}
		w.Write(b)
	}
	w.WriteString("\n    ]\n  }\n}\n")
	return w.Flush()
}

type dict = map[string]any

func chromeEntry(x *recorder.Exchange) dict {
	t := x.Server.Timings()
	content := dict{"size": len(x.Response.Body), "mimeType": x.Response.Mime}
	if x.Response.Body != nil {
		content["text"] = string(x.Response.Body)
	}
	return dict{
		"_connectionId": fmt.Sprint(x.Conn + 1000), "_initiator": dict{"type": "other"}, "_priority": "High", "_resourceType": "fetch",
		"cache": dict{}, "connection": "443", "serverIPAddress": x.Remote[:len(x.Remote)-len(":443")],
		"startedDateTime": x.Start.Format("2006-01-02T15:04:05.000Z"), "time": t.Total().Milliseconds(),
		"request": dict{
			"method": x.Method, "url": x.URL, "httpVersion": "h2", "headers": chromeHeaders(x.Request.Header), "queryString": []any{}, "cookies": []any{},
			"headersSize": -1, "bodySize": 0,
		},
		"response": dict{
			"status": x.Status, "statusText": "", "httpVersion": "h2", "headers": chromeHeaders(x.Response.Header), "cookies": []any{}, "content": content,
			"redirectURL": "", "headersSize": -1, "bodySize": -1, "_transferSize": x.Response.HeaderSize + x.Response.BodySize, "_error": nil,
			"_fetchedViaServiceWorker": false,
		},
		"timings": dict{
			"blocked": t.Blocked.Milliseconds(), "dns": -1, "ssl": -1, "connect": -1, "send": t.Send.Milliseconds(), "wait": t.Wait.Milliseconds(),
			"receive": t.Receive.Milliseconds(), "_blocked_queueing": 0.5, "_workerStart": -1, "_workerReady": -1, "_workerFetchStart": -1,
			"_workerRespondWithSettled": -1,
		},
	}
}

func chromeHeaders(headers []recorder.Header) []dict {
	list := make([]dict, 0, len(headers))
	for _, h := range headers {
		lower := []byte(h.Name)
		for i, c := range lower {
			if 'A' <= c && c <= 'Z' {
				lower[i] = c | 0x20
			}
		}
		list = append(list, dict{"name": string(lower), "value": h.Value})
	}
	return list
}
