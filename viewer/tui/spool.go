package tui

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// spoolMemory is how many bytes of output stay in memory before they go to a file.
	spoolMemory = 1 << 20
	// spoolMost is how many stay there when there is no file to be had.
	spoolMost = 64 << 20
	// spoolFile bounds the file: a command that prints without end must not fill the disk.
	spoolFile = 512 << 20
)

// errSpoolFull is why there is no more of the file.
var errSpoolFull = errors.New("it was too much")

// A spool keeps what two streams wrote, in order. The zero value is ready. In memory, and in
// the file that it overflows to, each piece has a head of 5 bytes: the stream and the length.
type spool struct {
	memory bytes.Buffer
	file   *os.File // nil: not needed yet, or not to be had
	size   int64    // of the file
	limit  int64    // of the file; 0: spoolFile
	failed error    // why there is no file, or no more of it
	lost   int64    // bytes that were not kept
	name   string   // of the file where it cannot be removed while it is open
}

const spoolHead = 5

// write keeps p.
func (s *spool) write(stdout bool, p []byte) {
	if s.failed != nil && s.memory.Len()+len(p) > spoolMost {
		s.lost += int64(len(p))
		return
	}
	head := [spoolHead]byte{}
	if stdout {
		head[0] = 1
	}
	for len(p) > 0 {
		n := min(len(p), spoolMemory)
		binary.BigEndian.PutUint32(head[1:], uint32(n))
		s.memory.Write(head[:])
		s.memory.Write(p[:n])
		p = p[n:]
		if s.memory.Len() > spoolMemory && s.failed == nil {
			s.overflow()
		}
	}
}

// overflow moves what is in memory to the file. Where that fails the file keeps what it has
// whole, and the rest stays in memory.
func (s *spool) overflow() {
	if s.size+int64(s.memory.Len()) > cmp.Or(s.limit, spoolFile) {
		s.failed = errSpoolFull
		return
	}
	if s.file == nil {
		if s.file, s.failed = os.CreateTemp("", "modtap-output-*"); s.failed != nil {
			return
		}
		// What a command wrote is its own affair: no name leads to it. Windows keeps the name
		// of an open file, so there it goes at the end.
		if os.Remove(s.file.Name()) != nil {
			s.name = s.file.Name()
		}
	}
	at, err := s.file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = s.file.Write(s.memory.Bytes())
	}
	if err != nil {
		s.failed = err
		_ = s.file.Truncate(at) // what drain reads ends at a piece's end in any case
		return
	}
	s.size += int64(s.memory.Len())
	s.memory.Reset()
}

// drain writes everything and forgets it.
func (s *spool) drain(stdout, stderr io.Writer) error {
	var failed error
	if s.file != nil {
		_, failed = s.file.Seek(0, io.SeekStart)
		if failed == nil {
			failed = copyPieces(s.file, stdout, stderr)
		}
		s.file.Close()
		if s.name != "" {
			_ = os.Remove(s.name) // a temporary file that stays is no reason to fail
		}
	}
	if err := copyPieces(&s.memory, stdout, stderr); failed == nil {
		failed = err
	}
	if s.lost > 0 && failed == nil {
		failed = fmt.Errorf("%d bytes of the command's output were not kept: %w", s.lost, s.failed)
	}
	*s = spool{}
	return failed
}

// copyPieces writes the pieces of r to where they belong. A piece that is not whole, which a
// full disk leaves at the end of the file, is in memory as well and is not written here.
func copyPieces(r io.Reader, stdout, stderr io.Writer) error {
	var head [spoolHead]byte
	piece := make([]byte, 0, 32<<10)
	var failed error
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				return failed
			}
			return errors.Join(failed, fmt.Errorf("read the command's output: %w", err))
		}
		n := int(binary.BigEndian.Uint32(head[1:]))
		if cap(piece) < n {
			piece = make([]byte, 0, n)
		}
		piece = piece[:n]
		if _, err := io.ReadFull(r, piece); err != nil {
			return failed
		}
		to := stderr
		if head[0] == 1 {
			to = stdout
		}
		// A stream that nobody reads must not keep the other one from being written.
		if _, err := to.Write(piece); err != nil && failed == nil {
			failed = err
		}
	}
}
