package har

import (
	"errors"
	"io"
	"os"
)

// maxHeader is longer than what a part says before its first entry.
const maxHeader = 4 << 20

// Parts is in how many files the recording at path is, which PartPath names: 1 unless it was
// cut into parts, 0 when there is none. A file that another recording left behind does not
// count.
func Parts(path string) int {
	first, err := headerOf(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil || first.Recording == "" {
		return 1
	}
	n := 1
	for ; n < maxParts; n++ {
		h, err := headerOf(PartPath(path, n+1))
		if err != nil || h.Recording != first.Recording || h.Part != n+1 {
			break
		}
	}
	return n
}

// errHeaderRead ends a scan that has seen enough.
var errHeaderRead = errors.New("the header is read")

// headerOf reads what the file at path says of itself.
func headerOf(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	var got header
	s := newScanner(io.LimitReader(f, maxHeader))
	s.onHeader = func(h header) error {
		got = h
		return errHeaderRead
	}
	if err := s.scan(); err != nil && !errors.Is(err, errHeaderRead) {
		return header{}, err
	}
	return got, nil
}
