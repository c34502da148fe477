package intercept

import (
	"net/http"
	"slices"
	"strings"

	"modtap/recorder"
)

// requestSize is the size of a request's line and headers as HTTP/1.1 writes them. On
// HTTP/2 they are compressed on the wire; HAR readers expect this size all the same.
func requestSize(r *http.Request) int64 {
	n := len(r.Method) + 1 + len(r.URL.RequestURI()) + len(" HTTP/1.1\r\n") + len("Host: \r\n") + len(r.Host)
	return int64(n) + headerSize(r.Header)
}

// responseSize is the same of a response's status line and headers.
func responseSize(r *http.Response) int64 {
	return int64(len("HTTP/1.1 \r\n")+len(r.Status)) + headerSize(r.Header)
}

func headerSize(h http.Header) int64 {
	n := len("\r\n")
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return int64(n)
}

// sortHeaders orders by name and keeps the order of a name's values.
func sortHeaders(h []recorder.Header) {
	slices.SortStableFunc(h, func(a, b recorder.Header) int { return strings.Compare(a.Name, b.Name) })
}
