// Package report says what a recording means to the person who waited for it.
//
// A [Document] is a diagnosis (recorder/diagnose) as text for one screen, as JSON, as
// Markdown for the summary of a CI job, and as one page of HTML. A [Summary] is what the
// end of a session too long to be diagnosed is summed up from; it is fed from events, live
// or from a recording, and is of bounded size. [WriteProse] shows the text of a finding.
//
// Everything recorded may come from a stranger's server: what a terminal, a browser or
// GitHub would obey is shown, not obeyed. What must never happen here: judging (that is
// diagnose's), a Summary that keeps every exchange, or showing what was not measured as
// zero.
package report
