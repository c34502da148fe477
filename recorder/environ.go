package recorder

// Environ are the facts about the machine and the settings of the child's go command that
// a diagnosis needs. It is redacted.
type Environ struct {
	// Go are settings as `go env` gives them in the child's working directory: GOPROXY,
	// GOSUMDB, GOPRIVATE, GONOPROXY, GONOSUMDB, GOFLAGS, GOTOOLCHAIN, GOAUTH, GOVCS,
	// GOINSECURE, GODEBUG, GOMODCACHE, GOCACHE, GOVERSION. A name that is missing is not
	// known; one that is empty is not set.
	Go map[string]string `json:"go,omitempty"`
	// FromEnv are the names in Go that are set as environment variables,
	// sorted: go env -w does not change what they say.
	FromEnv []string `json:"from_env,omitempty"`

	MaxProcs int `json:"max_procs,omitempty"` // GOMAXPROCS that the go command runs with; 0: not known
	CPUs     int `json:"cpus,omitempty"`      // logical processors that the command may use: its affinity counts, a cgroup's limit does not

	Shell string `json:"shell,omitempty"` // the user's: sh, fish, powershell, cmd

	// GoSum is the number of lines of go.sum beside go.mod when the command started, and
	// -1 when there was none.
	GoSum       int    `json:"go_sum"`
	GoDirective string `json:"go_directive,omitempty"` // of go.mod, as in "1.21"; "" when unknown

	// Proxy are the user's proxy variables, by their upper-case names (HTTPS_PROXY,
	// HTTP_PROXY, ALL_PROXY, NO_PROXY).
	Proxy map[string]string `json:"proxy,omitempty"`
	// SystemProxy is what the operating system's settings name as a proxy (Windows, macOS),
	// a PAC address included (pac+URL); "" when there is none or it is not known.
	SystemProxy string `json:"system_proxy,omitempty"`

	Git string `json:"git,omitempty"` // as in 2.39.5
}
