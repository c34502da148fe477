package recorder

import "strings"

// Args returns what to record of a command line. Each argument is redacted like Text, and
// beyond that what is a secret by its form: header lines (-H "Cookie: …"), NAME=VALUE and
// --name=VALUE whose names say so, and what follows such an option or one that takes
// credentials in curl, wget and git.
func (r *Redactor) Args(argv []string) []string {
	if r == nil || argv == nil {
		return argv
	}
	out := make([]string, len(argv))
	option := ""
	for i, arg := range argv {
		if option != "" {
			out[i] = redactOption(option, arg)
			option = ""
			continue
		}
		out[i], option = r.arg(arg)
	}
	return out
}

// Line returns what to record of a command line, or of flags, that are one text with quotes
// in it, as GOAUTH and GOFLAGS are.
func (r *Redactor) Line(s string) string {
	if r == nil {
		return s
	}
	return r.Text(redactFields(redactScript(s)))
}

// arg redacts one argument. option is its name if the next argument is its secret.
func (r *Redactor) arg(arg string) (clean, option string) {
	name, value, ok := strings.Cut(arg, "=")
	if dashed := strings.HasPrefix(arg, "-"); dashed && !ok && takesSecret(arg) {
		return arg, arg
	} else if ok && !strings.ContainsAny(name, ":/?# ") && (takesSecret(name) || secretVariable(name)) {
		return name + "=" + redactOption(name, value), ""
	} else if glued(arg) { // curl -uuser:password
		return arg[:2] + redactOption(arg[:2], arg[2:]), ""
	} else if cluster(arg) { // curl -sSu user:password
		return arg, "-u"
	}
	if strings.ContainsAny(arg, " \n") { // it may be the script of sh -c
		return r.Line(arg), ""
	}
	return r.Text(redactFields(arg)), ""
}

// glued reports whether arg is a short option with its secret behind it. go test -bench=.
// is not, nor are -buildmode and -blockprofile.
func glued(arg string) bool {
	if len(arg) < 3 || arg[0] != '-' || !takesSecret(arg[:2]) {
		return false
	}
	return !strings.HasPrefix(arg, "-bench") && !strings.HasPrefix(arg, "-build") && !strings.HasPrefix(arg, "-block")
}

// cluster reports whether arg is several short options, the last of which takes credentials.
func cluster(arg string) bool {
	n := len(arg) - 1
	return n > 1 && arg[0] == '-' && arg[1] != '-' && (arg[n] == 'u' || arg[n] == 'U') && !strings.ContainsAny(arg, "=:/.@")
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

// redactScript hides what options and variables give away in a command line that is one
// text. A quote need not be one (the go command knows them at the start of a word alone, a
// shell knows them in each other), so what stands in quotes is looked at too.
func redactScript(s string) string {
	var b strings.Builder
	option := ""
	for at := 0; at < len(s); {
		if strings.IndexByte(" \t\r\n;|&()", s[at]) >= 0 {
			b.WriteByte(s[at])
			at++
			continue
		}
		end := at
		for end < len(s) && strings.IndexByte(" \t\r\n;|&()", s[end]) < 0 {
			if q := s[end]; q == '\'' || q == '"' { // to the closing quote
				end = min(len(s)-1, next(s, end+1, q))
			}
			end++
		}
		word := s[at:end]
		name, value, ok := strings.Cut(word, "=")
		switch {
		case option != "":
			word = withinQuotes(word, option)
		case ok && !strings.ContainsAny(name, blanks) && (takesSecret(name) || secretVariable(name)):
			word = name + "=" + withinQuotes(value, name)
		case glued(word):
			word = word[:2] + withinQuotes(word[2:], word[:2])
		default:
			word = redactQuoted(word)
		}
		if option = ""; takesSecret(word) {
			option = word
		} else if cluster(word) {
			option = "-u"
		}
		b.WriteString(word)
		at = end
	}
	return b.String()
}

// redactQuoted is redactScript for the words that a word has in its quotes.
func redactQuoted(word string) string {
	from, end := strings.IndexAny(word, `'"`)+1, len(word)
	if from == 0 || !strings.ContainsAny(word[from:], blanks) {
		return word
	}
	if word[end-1] == word[from-1] {
		end--
	}
	return word[:from] + redactScript(word[from:end]) + word[end:]
}

// blanks separate words, whatever the quotes.
const blanks = " \t\r\n"

// withinQuotes is redactOption for a value that may be quoted.
func withinQuotes(value, option string) string {
	if n := len(value); n > 1 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
		return value[:1] + redactOption(option, value[1:n-1]) + value[n-1:]
	}
	return redactOption(option, value)
}

// twoDashes is option as GNU's programs write it: Go's take -token for --token.
func twoDashes(option string) string {
	if len(option) > 2 && option[0] == '-' && option[1] != '-' {
		return "-" + option
	}
	return option
}

// takesSecret reports whether the value of a command line option is a secret.
func takesSecret(option string) bool {
	option = twoDashes(option)
	switch option {
	case "-u", "-U", "-b", "-H", "--user", "--proxy-user", "--cookie", "--header", "--proxy-header", "--cert", "--oauth2-bearer", "--pass", "--proxy-pass", "--aws-sigv4", "--http-user":
		return true
	}
	return strings.HasPrefix(option, "--") && !strings.ContainsAny(option, "="+blanks) && secretName(option, false)
}

// secretVariable reports whether an environment variable, as env NAME=VALUE sets it, is a
// secret.
func secretVariable(name string) bool {
	return secretName(name, false) || strings.HasPrefix(name, "GIT_CONFIG_VALUE_")
}

// redactOption hides an option's value. Of user:password the user stays, and a -u that is
// no curl's (go get -u ./...) keeps what cannot be credentials.
func redactOption(option, value string) string {
	switch twoDashes(option) {
	case "-u", "-U":
		user, _, ok := strings.Cut(value, ":")
		if !ok || strings.Contains(user, "/") {
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
	case "-H", "--header", "--proxy-header":
		return redactLine(value)
	case "--cert": // FILE:PASSWORD; the first colon of C:\FILE is not it
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
