package har

import (
	"fmt"
	"os"
)

// repaired is the trailer of a file that had lost its own.
const repaired = "\n],\"_modtap_end\":{\"repaired\":true}}}\n"

// Repair makes the HAR at path whole in place: behind its last complete entry it is cut
// off and closed. lost is how many bytes were cut off, 0 when the file was whole and is
// left as it is. Every state in between is one that Open reads. A file that is being
// written, and one that is no HAR ([ErrNotHAR]), is not touched.
func Repair(path string) (lost int64, err error) {
	f, err := openLocked(path, os.O_RDWR)
	if err == nil {
		lost, err = repair(f)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return 0, fmt.Errorf("repair %s: %w", path, cause(err))
	}
	return lost, nil
}

func repair(f *os.File) (lost int64, err error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	s := newScanner(f)
	s.onEntry = func(e *entry) bool {
		_, ok := e.exchange()
		return ok
	}
	if err := s.scan(); err != nil {
		return 0, err
	}
	end := s.end
	if s.torn {
		n, err := f.WriteAt([]byte(repaired), s.good)
		if err != nil {
			return 0, err
		}
		end = s.good + int64(n)
		lost = max(fi.Size()-s.good, 0)
	} else if lost, err = garbage(f, end, fi.Size()); err != nil || lost == 0 {
		return 0, err
	}
	if err := f.Truncate(end); err != nil {
		return 0, err
	}
	return lost, f.Sync()
}

// garbage is how many bytes lie from end to size, 0 when they are white space.
func garbage(f *os.File, end, size int64) (int64, error) {
	var buf [4096]byte
	for at := end; at < size; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		for _, c := range buf[:n] {
			if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
				return size - end, nil
			}
		}
		if err != nil && n == 0 {
			return 0, err
		}
		at += int64(n)
	}
	return 0, nil
}
