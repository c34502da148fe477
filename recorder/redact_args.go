package recorder

import (
	"path"
	"strings"

	"modtap/recorder/shell"
)

// Args returns what to record of a command line. Each argument is redacted like Text, and
// beyond that what is a secret by its form: header lines (-H "Cookie: …"), NAME=VALUE and
// --name=VALUE whose names say so, and what follows such an option or one that takes
// credentials in curl, wget and git.
func (r *Redactor) Args(argv []string) []string {
	if r == nil || argv == nil {
		return argv
	}
	out := make([]string, len(argv))
	option, program, script := "", "", false // program: the shell whose options these are
	for i, arg := range argv {
		clean, next := arg, ""
		switch {
		case script: // of sh -c
			clean = r.Line(arg)
		case option == "" && i > 1 && strings.EqualFold(argv[i-2], "set") && secretVariable(argv[i-1]): // npm config set _authToken x
			clean = Redacted
		case option == "" || strings.HasPrefix(arg, "-"): // an option's value need not follow it
			clean, next = r.arg(arg)
		}
		if option != "" && (next == "" || clean != arg) {
			clean = r.option(option, clean)
		}
		out[i], option = clean, next
		if !strings.HasPrefix(arg, "-") {
			program = path.Base(arg)
		}
		script = takesScript(program, arg)
	}
	return out
}

// takesScript reports whether flag has the shell of that name run the next argument.
func takesScript(program, flag string) bool {
	_, err := shell.Parse(program)
	return err == nil && strings.HasPrefix(flag, "-") && !strings.HasPrefix(flag, "--") && strings.Contains(flag, "c")
}

// Line returns what to record of a command line, or of flags, that are one text with quotes
// in it, as GOAUTH and GOFLAGS are.
func (r *Redactor) Line(s string) string {
	if r == nil {
		return s
	}
	return r.scriptText(redactFields(redactScript(s)))
}

// arg redacts one argument. option is its name if the next argument is its secret.
func (r *Redactor) arg(arg string) (clean, option string) {
	script := strings.ContainsAny(arg, blanks) // it may be the script of sh -c
	name, value, ok := strings.Cut(arg, "=")
	if plain := strings.Trim(arg, `'"`); strings.HasPrefix(plain, "-") && !ok && takesSecret(plain) {
		return arg, plain
	} else if ok && !strings.ContainsAny(name, ":/?#"+blanks) && (takesSecret(name) || secretVariable(name)) {
		return name + "=" + r.option(name, value), ""
	} else if short := cluster(arg); short != "" && !glued(arg) { // curl -sSu user:password
		return arg, short
	}
	if clean = arg; script {
		clean = r.Line(arg)
	}
	switch {
	case glued(clean): // curl -uuser:password
		return clean[:2] + redactOption(clean[:2], clean[2:]), ""
	case script:
		return clean, ""
	}
	return r.Text(redactFields(arg)), ""
}

// option redacts the value of an option. The option need not be what it looks like: sh -cu
// takes a script.
func (r *Redactor) option(name, value string) string {
	if strings.ContainsAny(value, blanks) && !(takesHeader(name) && isHeaderLine(value)) {
		value = r.Line(value)
	}
	return redactOption(name, value)
}

// takesHeader reports whether the value of a command line option is a header line.
func takesHeader(option string) bool {
	option = twoDashes(option)
	return option == "-H" || option == "--header" || option == "--proxy-header"
}

// isHeaderLine reports whether s is one line that begins with a name and a colon.
func isHeaderLine(s string) bool {
	name, _, ok := strings.Cut(s, ":")
	return ok && name != "" && !strings.ContainsAny(name, "/="+blanks) && !strings.ContainsAny(s, "\r\n")
}

// glued reports whether arg is a short option with its secret behind it. go test -bench=.
// is not, nor are -buildmode and -blockprofile.
func glued(arg string) bool {
	if len(arg) < 3 || arg[0] != '-' || !takesSecret(arg[:2]) {
		return false
	}
	return !strings.HasPrefix(arg, "-bench") && !strings.HasPrefix(arg, "-build") && !strings.HasPrefix(arg, "-block")
}

// cluster is the last of several short options, if that takes a secret in curl and those
// before it are some of curl's that take nothing; else "".
func cluster(arg string) string {
	n := len(arg) - 1
	if n < 2 || arg[0] != '-' || strings.IndexByte("uUHb", arg[n]) < 0 || strings.Trim(arg[1:n], "aBfgGiIjJklLnNOpqRsSvZ#012346") != "" {
		return ""
	}
	return "-" + arg[n:]
}

// redactLine redacts a header line. What is none is redacted like any text.
func redactLine(line string) string {
	name, value, ok := strings.Cut(line, ":")
	if !ok || strings.ContainsAny(name, "/ =") {
		return NewRedactor().Text(redactFields(line))
	}
	rest := strings.TrimLeft(value, " ")
	return line[:len(line)-len(rest)] + NewRedactor().Header(name, rest)
}

// blanks separate words, whatever the quotes.
const blanks = " \t\r\n"

// twoDashes is option as GNU's programs write it: Go's take -token for --token.
func twoDashes(option string) string {
	if len(option) > 2 && len(option) <= maxFieldName && option[0] == '-' && option[1] != '-' {
		return "-" + option
	}
	return option
}

// takesSecret reports whether the value of a command line option is a secret.
func takesSecret(option string) bool {
	option = twoDashes(option)
	switch option {
	case "-u", "-U", "-b", "-H", "--user", "--proxy-user", "--cookie", "--header", "--proxy-header", "--cert", "--proxy-cert", "--oauth2-bearer", "--pass", "--proxy-pass", "--aws-sigv4", "--http-user":
		return true
	}
	return strings.HasPrefix(option, "--") && !strings.ContainsAny(option, "="+blanks) && secretName(option, false)
}

// secretVariable reports whether an environment variable, as env NAME=VALUE sets it, is a
// secret.
func secretVariable(name string) bool {
	for _, end := range [...]string{"_AUTH", "_PASS", "_PAT", "SSHPASS"} {
		if n := len(name) - len(end); n >= 0 && strings.EqualFold(name[n:], end) {
			return true
		}
	}
	return secretName(name, false) || strings.HasPrefix(name, "GIT_CONFIG_VALUE_")
}

// redactOption hides an option's value. Of user:password the user stays, and a -u that is
// no curl's (go get -u ./...) keeps what cannot be credentials.
func redactOption(option, value string) string {
	if takesHeader(option) {
		return redactLine(value)
	}
	switch twoDashes(option) {
	case "-u", "-U":
		user, _, ok := strings.Cut(value, ":")
		if !ok || strings.Contains(user, "/") || strings.HasPrefix(value, "+%") { // date -u +%H:%M
			return NewRedactor().Text(redactFields(value))
		}
		return user + ":" + Redacted
	case "--user", "--proxy-user":
		user, _, ok := strings.Cut(value, ":")
		if !ok {
			return NewRedactor().Text(value)
		}
		return user + ":" + Redacted
	case "-b", "--cookie":
		if !strings.Contains(value, "=") {
			return NewRedactor().Text(value) // a file, or another program's URL
		}
		return redactCookies(value, false)
	case "--cert", "--proxy-cert": // FILE:PASSWORD; the first colon of C:\FILE is not it
		if i := strings.LastIndexByte(value, ':'); i > 1 {
			return value[:i+1] + Redacted
		}
		return value
	}
	if value == "" {
		return value
	}
	return Redacted
}
