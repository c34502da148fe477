package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"modtap/recorder"
)

const (
	toldShare = 0.15 // chosen: what is less of the command's own work is not named
	toldWidth = 28   // runes, what a line of the report on 80 columns has left
)

// The kinds of the command's own work, as a report names them.
const (
	workStart  = "start"
	workUnzip  = "unzip and hash"
	workRead   = "read packages"
	workBuild  = "compile"
	workLink   = "link"
	workGOAUTH = "GOAUTH helper"
	workTLS    = "TLS with modtap"
	workTake   = "take answers"
	workOther  = "other work"
)

// ownWork says what the command's own work was, which took all on the critical path, the
// most first; "" where nothing is known of it.
func (a *Analysis) ownWork(all recorder.Span) string {
	sums := map[string]recorder.Span{}
	for i := range a.Path {
		if s := &a.Path[i]; s.Bucket == BucketGo {
			sums[workOf(s)] += s.Took()
		}
	}
	kinds := slices.SortedFunc(maps.Keys(sums), func(x, y string) int {
		return cmp.Or(-cmp.Compare(sums[x], sums[y]), cmp.Compare(x, y))
	})
	told := ""
	for _, k := range kinds {
		if float64(sums[k]) < toldShare*float64(all) {
			break
		}
		if told == "" {
			told = k
		} else if len(told)+len(", ")+len(k) <= toldWidth {
			told += ", " + k
		}
	}
	if told == workOther {
		return ""
	}
	return told
}

// workOf is the kind of work that s is, by its note.
func workOf(s *Segment) string {
	switch note := s.Note; {
	case note == noteStart:
		return workStart
	case note == noteOpening:
		return workTLS
	case strings.HasPrefix(note, noteGOAUTH):
		return workGOAUTH
	case strings.HasPrefix(note, noteRead):
		return workRead
	case note == "link" || strings.Contains(note, "Executing action (link"):
		return workLink
	case note == "compile" || strings.Contains(note, "Executing action (build"):
		return workBuild
	case strings.HasPrefix(note, noteUnzip) || strings.Contains(note, "unzip") || strings.Contains(note, "downloadZip") || strings.Contains(note, "hash"):
		return workUnzip
	case note == "" && s.Exchange != 0:
		return workTake
	}
	return workOther
}
