package har

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"modtap/recorder"
)

const (
	// maxEntry bounds one value of a file: an entry of ours has at most maxBody twice,
	// as escaped text and as base64, unless nearly every byte is a control character.
	maxEntry = 512 << 20
	// maxParts and maxEntries bound what one recording may make us hold.
	maxParts   = 1000
	maxEntries = 4 << 20
)

// ErrNotHAR is for a file that has no list of HAR entries, whole or torn.
var ErrNotHAR = errors.New("it is not a HAR file")

var (
	errOtherRecording = errors.New("it is a part of another recording")
	errTooLarge       = fmt.Errorf("one value is over %d bytes", maxEntry)
)

// A TooManyError is for a recording with more than Most entries in one file.
type TooManyError struct{ Most int }

func (e *TooManyError) Error() string { return fmt.Sprintf("it has over %d entries", e.Most) }

type (
	creator struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	// header is log._modtap.
	header struct {
		Schema    string            `json:"schema"`
		Recording string            `json:"recording"`
		Part      int               `json:"part"`
		Redacted  bool              `json:"redacted"`
		Session   *recorder.Session `json:"session"`
	}
	// trailer is log._modtap_end.
	trailer struct {
		Lost            uint64             `json:"lost"`
		Missing         uint64             `json:"missing"`
		Repaired        bool               `json:"repaired"`
		Session         *recorder.Session  `json:"session"`
		Process         *recorder.Process  `json:"process"`
		End             *recorder.End      `json:"end"`
		Conns           []recorder.Conn    `json:"conns"`
		Tunnels         []recorder.Tunnel  `json:"tunnels"`
		Findings        []recorder.Finding `json:"findings"`
		ConnsLeftOut    uint64             `json:"conns_left_out"`
		TunnelsLeftOut  uint64             `json:"tunnels_left_out"`
		FindingsLeftOut uint64             `json:"findings_left_out"`
	}
)

// An outline is what a HAR says beside its entries, and how reading them went.
type outline struct {
	header  header
	trailer trailer
	creator creator
	skipped int  // entries that are not usable
	torn    bool // the text ends, or stops being JSON, before the HAR does
}

// A scanner walks through one HAR and holds one entry of it at a time.
type scanner struct {
	onHeader func(header) error // called before the first entry; an error ends the scan
	onEntry  func(*entry) bool  // false: counts as skipped
	most     int                // entries

	in  *meter
	dec *json.Decoder

	outline
	entries int
	listed  bool  // the list of entries began
	began   int64 // offset of the entry that was decoded last, or of white space or the comma before it
	good    int64 // offset behind the last usable entry, or behind the [ of the list
	end     int64 // offset behind the whole HAR; 0 when torn
}

func newScanner(r io.Reader) *scanner {
	in := &meter{r: bufio.NewReaderSize(r, 64<<10)}
	if head, _ := in.r.Peek(len(bom)); bytes.Equal(head, bom) {
		n, _ := in.r.Discard(len(bom))
		in.skipped = int64(n)
	}
	dec := json.NewDecoder(in)
	dec.UseNumber() // as a token, a number that no float64 holds would be an error of its own
	return &scanner{
		in: in, dec: dec, most: maxEntries,
		onHeader: func(header) error { return nil },
		onEntry:  func(*entry) bool { return true },
	}
}

// scan reads the file up to the end of the HAR or to where it is torn. Errors are those
// of reading, of bounds, of onHeader, and ErrNotHAR.
func (s *scanner) scan() error {
	err := s.object(func(key string) error {
		if key != "log" {
			return s.skip()
		}
		return s.object(s.log)
	})
	switch {
	case err == nil && s.listed:
		s.end = s.offset()
		return nil
	case s.in.err != nil:
		return s.in.err
	case err == nil:
		return ErrNotHAR
	case isTorn(err) && s.listed:
		s.torn = true
		return nil
	case isTorn(err):
		return ErrNotHAR
	}
	return err
}

// errToken is a token that cannot stand where it stands in a HAR.
var errToken = errors.New("unexpected token")

// isTorn reports whether err says that the text is no JSON from here on.
func isTorn(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errToken)
}

// offset is how far into the file everything has been read.
func (s *scanner) offset() int64 { return s.in.skipped + s.dec.InputOffset() }

// token reads a token that must be want.
func (s *scanner) token(want json.Delim) error {
	t, err := s.dec.Token()
	if err == nil && t != want {
		err = errToken
	}
	return err
}

// object reads an object and has member read each value.
func (s *scanner) object(member func(key string) error) error {
	if err := s.token('{'); err != nil {
		return err
	}
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if err := member(name); err != nil {
			return err
		}
	}
	return s.token('}')
}

func (s *scanner) log(key string) error {
	switch key {
	case "entries":
		return s.list()
	case "creator":
		return s.value(&s.creator)
	case "_modtap":
		return s.value(&s.header)
	case "_modtap_end":
		return s.value(&s.trailer)
	}
	return s.skip()
}

func (s *scanner) list() error {
	if err := s.token('['); err != nil {
		return err
	}
	if err := s.onHeader(s.header); err != nil {
		return err
	}
	s.listed = true
	s.good = s.offset()
	for s.dec.More() {
		if s.entries++; s.entries > s.most {
			return &TooManyError{s.most}
		}
		var e entry
		s.began = s.offset()
		err := s.decode(&e)
		if isTorn(err) || s.in.err != nil {
			return err
		}
		if err != nil || !s.onEntry(&e) {
			s.skipped++
			continue
		}
		s.good = s.offset()
	}
	return s.token(']')
}

// value decodes into v; a wrong type in it leaves the rest of v as it is.
func (s *scanner) value(v any) error {
	if err := s.decode(v); isTorn(err) || s.in.err != nil {
		return err
	}
	return nil
}

func (s *scanner) skip() error { return s.value(&ignored{}) }

// decode is json.Decoder.Decode, which has read the whole value whenever its error is not
// isTorn.
func (s *scanner) decode(v any) error {
	s.in.mark = s.dec.InputOffset()
	return s.dec.Decode(v)
}

// ignored takes any JSON and keeps nothing.
type ignored struct{}

func (*ignored) UnmarshalJSON([]byte) error { return nil }

// A meter remembers a real error of its reader, and stops what would make the decoder
// hold too much.
type meter struct {
	r       *bufio.Reader
	skipped int64 // bytes before the first that is counted
	n       int64
	mark    int64 // where the value being read begins
	err     error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.n-m.mark > maxEntry {
		m.err = errTooLarge
		return 0, m.err
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}
