package recorder

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
)

// NotEncoded reports whether a body under this Content-Encoding is as it is.
func NotEncoded(encoding string) bool {
	return encoding == "" || strings.EqualFold(encoding, "identity")
}

// Decode undoes a Content-Encoding that the standard library knows: gzip and deflate. whole
// says that body is not only the beginning of one; of a beginning, what can be decoded is
// returned. More than limit bytes are an error, like any other coding.
func Decode(encoding string, body []byte, whole bool, limit int) ([]byte, error) {
	var z io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "gzip", "x-gzip":
		z, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		// RFC 9110 §8.4.1.2 means zlib; some servers send bare deflate data.
		if z, err = zlib.NewReader(bytes.NewReader(body)); errors.Is(err, zlib.ErrHeader) {
			z, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		return nil, fmt.Errorf("unknown Content-Encoding %.20q", encoding)
	}
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	switch {
	case len(out) > limit:
		return nil, fmt.Errorf("more than %d bytes come out of %d", limit, len(body))
	case err != nil && (whole || !errors.Is(err, io.ErrUnexpectedEOF)):
		return nil, err
	}
	return out, nil
}
