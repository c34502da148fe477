// Package har writes and reads recordings as HAR 1.2 files that other programs open too:
// Chrome DevTools, Firefox, the HAR JSON schema.
//
// The [Writer] is a recorder.Sink. The file on disk is a whole HAR after every flush: new
// entries and the closing brackets go out in one write over the old closing brackets, so
// that a kill -9 costs at most what was being written. Each entry is one line. Standard
// fields carry standard facts; what they cannot say is under "_modtap" (of the log, of
// each entry) and "_modtap_end" (of the log, behind the entries), so that [Open] gives
// back the recorder types exactly as they were. HARs of other programs are read from
// their standard fields.
//
// What must never happen here: making the proxy wait, holding a recording in memory
// while writing it, a standard field with a made-up value, a file that Chrome refuses
// (one bad field refuses all of it: see the tests under testdata), believing a length or
// a type that a file claims, and changing a file that was only to be read.
//
// The layout is documented field by field at [Schema].
package har

// Schema names the layout of modtap's own fields. A reader of it must ignore what it
// does not know.
//
//   - log._modtap: schema, recording (a random id that all parts of a recording share),
//     part (from 1), redacted, session.
//   - log._modtap_end, behind the entries: lost (events the recorder dropped), missing
//     (entries that could not be written), process, end, session when it became known
//     or changed after the first entry; at the end of the recording also conns, tunnels
//     and findings, the newest 5,000 of each, and how many were left out.
//   - entry._modtap: recorder.Exchange without what the standard fields say; request and
//     response hold what HAR has no word for, and in wire the base64 of a body that
//     stands decoded (or not at all) in the standard field. conn_snapshot and
//     tunnel_snapshot are in the first entry of each connection and tunnel.
const Schema = "modtap.har/1"
