package origintest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseKnob reads a [Knob] from words key=value, as the origin command's -knob takes them:
//
//	host=sum.golang.test suffix=.zip kind=info skip=1 times=2
//	read-delay=50ms first-byte=200ms body-delay=1s rate=100000
//	status=503 body=text header=Retry-After:30
//	fail=reset-body fail-after=1000 code=11
//	early-hints=true trailer=true chunked=true gzip=true
//	redirect=storage.golang.test close-every=7
//
// Values have no spaces; "+" stands for a space in body.
func ParseKnob(s string) (Knob, error) {
	var k Knob
	err := parseWords(s, map[string]any{
		"host": &k.Host, "suffix": &k.Suffix, "kind": &k.Kind, "skip": &k.Skip, "times": &k.Times,
		"read-delay": &k.ReadDelay, "first-byte": &k.FirstByte, "body-delay": &k.BodyDelay, "rate": &k.Rate,
		"status": &k.Status, "body": &k.Body, "header": &k.Header,
		"fail": (*string)(&k.Fail), "fail-after": &k.FailAfter, "code": &k.Code,
		"early-hints": &k.EarlyHints, "trailer": &k.Trailer, "chunked": &k.Chunked, "gzip": &k.Gzip,
		"redirect": &k.Redirect, "close-every": &k.CloseEvery,
	})
	k.Body = strings.ReplaceAll(k.Body, "+", " ")
	if err == nil && !knownFailures[k.Fail] {
		err = fmt.Errorf("unknown failure %q", k.Fail)
	}
	return k, err
}

var knownFailures = map[Failure]bool{
	NoFailure: true, Reset: true, Close: true, Abort: true, Stall: true,
	ResetBody: true, CloseBody: true, EndBody: true, AbortBody: true, StallBody: true, ShortBody: true,
	ResetStream: true, ResetStreamBody: true, GoAway: true, GoAwayBody: true, GoAwayUnseen: true,
}

// ParseHandshake reads a [Handshake] from words key=value:
//
//	host=slow.golang.test delay=200ms fail=reset|close|stall|alert|plain skip=1 times=2
func ParseHandshake(s string) (Handshake, error) {
	var h Handshake
	err := parseWords(s, map[string]any{
		"host": &h.Host, "skip": &h.Skip, "times": &h.Times, "delay": &h.Delay, "fail": (*string)(&h.Fail),
	})
	switch h.Fail {
	case HandshakeOK, HandshakeReset, HandshakeClose, HandshakeStall, HandshakeAlert, HandshakePlain:
	default:
		err = fmt.Errorf("unknown handshake failure %q", h.Fail)
	}
	return h, err
}

func parseWords(s string, into map[string]any) error {
	for _, word := range strings.Fields(s) {
		key, value, ok := strings.Cut(word, "=")
		dst := into[key]
		if !ok || dst == nil {
			return fmt.Errorf("unknown word %q", word)
		}
		if err := parseValue(value, dst); err != nil {
			return fmt.Errorf("word %q: %w", word, err)
		}
	}
	return nil
}

func parseValue(s string, dst any) (err error) {
	switch p := dst.(type) {
	case *string:
		*p = s
	case *int:
		*p, err = strconv.Atoi(s)
	case *int64:
		*p, err = strconv.ParseInt(s, 10, 64)
	case *bool:
		*p, err = strconv.ParseBool(s)
	case *time.Duration:
		*p, err = time.ParseDuration(s)
	case *http.Header:
		name, value, ok := strings.Cut(s, ":")
		if !ok {
			return fmt.Errorf("want NAME:VALUE")
		}
		if *p == nil {
			*p = http.Header{}
		}
		p.Add(name, value)
	default:
		panic(fmt.Sprintf("origintest: no parser for %T", dst))
	}
	return err
}
