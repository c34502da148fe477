// Package status shows on stderr that something happens while the command runs: one live
// line on a terminal, and with -v a line for each finished request.
//
// It is a reader of the Log like any other. What must never happen here: writing a line
// of the live status that stays, damaging a line that the command wrote (they share the
// terminal), or holding up whoever appends to the Log.
package status
