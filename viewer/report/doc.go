// Package report says what a recording means to the person who waited for it: today the
// summary at the end of a run, in time the diagnosis in text, Markdown, JSON and HTML.
//
// A [Summary] is fed from the events of a live session or from those of a recording read
// from disk and cannot tell them apart. What must never happen here: keeping every
// exchange (a session may last for weeks), or showing what was not measured as zero.
package report
