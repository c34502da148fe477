package origintest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// SumHost is the host name and the database name of the checksum database.
const SumHost = "sum.golang.test"

// sumKeys returns the keys of the database. They are the same in every process, so a
// GOSUMDB value can be written down before the origin runs; they protect nothing.
func sumKeys() (signer, verifier string, err error) {
	return note.GenerateKey(bytes.NewReader([]byte("origintest: no secret, 32 bytes.")), SumHost)
}

// newSumDB returns a verifying checksum database for the tree. All records exist from the
// start: the tree head must not grow between two requests, or counts of tiles would vary.
func newSumDB(t *Tree, records int) (http.Handler, error) {
	signer, _, err := sumKeys()
	if err != nil {
		return nil, fmt.Errorf("make the checksum database key: %w", err)
	}
	names := slices.Sorted(maps.Keys(t.sums))
	srv := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		if path == padPath {
			return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, padHash, path, version, padHash), nil
		}
		sum, ok := t.sums[path+"@"+version]
		if !ok {
			return nil, &fs.PathError{Op: "lookup", Path: path + "@" + version, Err: fs.ErrNotExist}
		}
		return []byte(sum), nil
	})
	lookup := func(path, version string) error {
		_, err := srv.Lookup(context.Background(), module.Version{Path: path, Version: version})
		return err
	}
	pads := max(records-len(names), 0)
	for i := range pads {
		// Half of the padding comes first, so that the modules lie in the middle of the log.
		if i == pads/2 {
			if err := addRecords(names, lookup); err != nil {
				return nil, err
			}
		}
		if err := lookup(padPath, fmt.Sprintf("v1.%d.0", i)); err != nil {
			return nil, err
		}
	}
	if pads == 0 {
		err = addRecords(names, lookup)
	}
	return sumdb.NewServer(srv), err
}

const (
	padPath = "padding.golang.test/p"
	padHash = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
)

func addRecords(names []string, lookup func(path, version string) error) error {
	for _, name := range names {
		path, version, _ := strings.Cut(name, "@")
		if err := lookup(path, version); err != nil {
			return fmt.Errorf("record %s: %w", name, err)
		}
	}
	return nil
}
