package diagnose

import "modtap/recorder"

// Input is a recording, live or from a file. Run does not modify it.
type Input struct {
	Session   *recorder.Session   // nil: unknown
	Process   *recorder.Process   // nil: there was no command (serve, a foreign file)
	End       *recorder.End       // nil: the recording was cut short, or is foreign
	Exchanges []recorder.Exchange // by ID, which is the order of starting; bodies of errors and of .mod files where they were kept
	Conns     []recorder.Conn     // by ID
	Tunnels   []recorder.Tunnel   // by ID

	// Shell is that of who will paste the commands (sh, fish, powershell, cmd); "": what the
	// recording says. One that a stranger made could have commands quoted for another shell
	// than theirs, in which a part of a name is run.
	Shell string

	Foreign bool   // another program wrote it: no client leg, no tunnels, no process
	Lost    uint64 // events that the recorder dropped
	Missing uint64 // exchanges that are not there, as they could not be written
	Skipped int    // entries of the file that are no entries
	Torn    bool   // the file ends in the middle of something
	Part    int    // number of the file, when it is a later part of a recording, read alone; else 0
	// ConnsLeftOut counts connections, tunnels and live findings that are not there: a
	// recording ends with the newest ones alone, and a Collector keeps the first ones.
	ConnsLeftOut uint64
	LeftOut      uint64 // exchanges that are not there, as a session without a recording keeps so many alone (Collector)
}
