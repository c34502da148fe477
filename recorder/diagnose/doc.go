// Package diagnose says of a recording where the wall time went, what was on the critical
// path, what is wrong, and which command fixes it (DESIGN §8).
//
// [Run] is pure: facts in, a [Report] out. It first lays out the run ([Analysis]: logical
// requests, what each one waited for, a partition of the wall time), then asks every [Rule]
// what is wrong. A rule is a function beside its prose, findings/ID.md, which is the text of
// `modtap explain ID` too.
//
// What must never happen here: I/O, a clock, a log; a finding that the evidence does not
// force, or that blames a server for modtap's own time; a loss rate of a download, which no
// downloader's kernel knows; a number that is not measured shown as 0.
package diagnose
