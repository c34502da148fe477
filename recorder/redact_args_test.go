package recorder

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A secret in this table contains "canary"; no want does.
var redactArgsTests = []struct{ in, want string }{
	{"go mod download -x", ""},
	{"go get -u ./...", ""},
	{"go get -u rsc.io/quote@v1.5.2", ""},
	{"go build -ldflags=-X=main.version=1 -o x", ""},
	{"curl https://user:canary@h.example/x?token=canary", "curl https://REDACTED@h.example/x?token=REDACTED"},
	{"curl|-H|Authorization: Basic canary|-H|X-Auth-Token: canary|--header=Cookie: a=canary|-HX-Api-Key: canary", "curl|-H|Authorization: Basic REDACTED|-H|X-Auth-Token: REDACTED|--header=Cookie: a=REDACTED|-HX-Api-Key: REDACTED"},
	{"curl -u user:canary -uuser:canary --user user:canary --proxy-user=user:canary -U user:canary x", "curl -u user:REDACTED -uuser:REDACTED --user user:REDACTED --proxy-user=user:REDACTED -U user:REDACTED x"},
	{"curl -b a=canary --cookie b=canary --cookie jar.txt --oauth2-bearer canary", "curl -b a=REDACTED --cookie b=REDACTED --cookie jar.txt --oauth2-bearer REDACTED"},
	{"curl -sSu user:canary -sSfLu user:canary --cert me.pem:canary --cert C:\\me.pem x", "curl -sSu user:REDACTED -sSfLu user:REDACTED --cert me.pem:REDACTED --cert C:\\me.pem x"},
	{"curl|-H|token: canary|-Hapikey: canary|--header|apikey: canary|--proxy-header=Authorization: Basic canary", "curl|-H|token: REDACTED|-Hapikey: REDACTED|--header|apikey: REDACTED|--proxy-header=Authorization: Basic REDACTED"},
	{"docker -H tcp://u:canary@h.example:2375 ps", "docker -H tcp://REDACTED@h.example:2375 ps"},
	{"x -b https://u:canary@h.example --cookie https://u:canary@h.example --key https://u:canary@h.example --key=https://u:canary@h.example --key file", "x -b https://REDACTED@h.example --cookie https://REDACTED@h.example --key https://REDACTED@h.example --key=https://REDACTED@h.example --key file"},
	{"x --user https://u:canary@h.example", "x --user https:REDACTED"},
	{"go test -bench=. -benchtime=1x -blockprofile=b.out -cpu 4", ""},
	{"go build -buildmode=pie -buildvcs=false ./...", ""},
	{"sh|-c|curl -sSu u:canary -uu:canary -bsid=canary -H 'token: canary' -H 'Accept: a/b' x; go test -bench=. ./...", "sh|-c|curl -sSu u:REDACTED -uu:REDACTED -bsid=REDACTED -H 'token: REDACTED' -H 'Accept: a/b' x; go test -bench=. ./..."},
	{"tool --token canary --api-key=canary --password= -v", "tool --token REDACTED --api-key=REDACTED --password= -v"},
	{"tool -token canary -api-key=canary -password= -v -user u:canary -x", "tool -token REDACTED -api-key=REDACTED -password= -v -user u:REDACTED -x"},
	{"tool|-header|Authorization: Token canary|-cookie|a=canary|x", "tool|-header|Authorization: Token REDACTED|-cookie|a=REDACTED|x"},
	{"go test -run=TestToken ./...", ""},
	{"sh|-c|go test -run=TestToken ./... && find . -user root", ""},
	{"env GITHUB_TOKEN=canary GOPROXY=https://u:canary@h.example,direct GOFLAGS=-mod=mod go build", "env GITHUB_TOKEN=REDACTED GOPROXY=https://REDACTED@h.example,direct GOFLAGS=-mod=mod go build"},
	{"git -c http.extraHeader=Authorization:|x", ""},
	{"git|-c|http.extraHeader=Authorization: Basic canary|fetch", "git|-c|http.extraHeader=Authorization: REDACTED|fetch"},
	{"sh|-c|set -e; TOKEN='canary canary' curl -b 'a=canary; b=canary' --user \"u:canary\" -u u:canary; API_TOKEN=canary go get -u ./...",
		"sh|-c|set -e; TOKEN='REDACTED' curl -b 'a=REDACTED; b=REDACTED' --user \"u:REDACTED\" -u u:REDACTED; API_TOKEN=REDACTED go get -u ./..."},
	{"sh|-c|echo \"unclosed 'quote --token", ""},
	{"sh|-c|curl -H 'X-Auth-Token: canary' https://u:canary@h.example/ | cat", "sh|-c|curl -H 'X-Auth-Token: REDACTED' https://REDACTED@h.example/ | cat"},
	// What looks like an option that takes a value need not be one.
	{"sh|-cu|helper --password canary; go get x", "sh|-cu|helper --password REDACTED; go get x"},
	{"-b=\nx --header \"Authorization: Token canary\"\n-b=|x", "-b=\nx --header \"Authorization: REDACTED\"\n-b=|x"},
	{"-u=\nexport TOKEN=canary\n-u=|x", "-u=\nexport TOKEN=REDACTED\n-u=|x"},
	// Punctuation after a scheme is no credential, and the word after it is one.
	{"sh|-c|echo Bearer .", ""},
	{"sh|-c|echo Basic ... ) canary x", "sh|-c|echo Basic REDACTED x"},
	{"go|get|-u|-token|canary", "go|get|-u|-token|REDACTED"},
	{"x|--no-password|--token|canary|-b|--password|canary|--pass|-canary", "x|--no-password|--token|REDACTED|-b|--password|REDACTED|--pass|REDACTED"},
	{"date|-u|+%Y-%m-%dT%H:%M:%SZ", ""},
	{"go|build|-ldflags|-X main.date=$(date -u +%Y-%m-%dT%H:%M:%SZ)|.", ""},
	{"rsync|-xu|a:|b:c", ""},
	{"curl|-sSfH|token: canary|-ksb|a=canary; b=canary|--proxy-cert|c.pem:canary", "curl|-sSfH|token: REDACTED|-ksb|a=REDACTED; b=REDACTED|--proxy-cert|c.pem:REDACTED"},
	{"bash|-e|-c|GITHUB_TOKEN=canary GOFLAGS=-mod=mod go build ./...", "bash|-e|-c|GITHUB_TOKEN=REDACTED GOFLAGS=-mod=mod go build ./..."},
	{"env|GITHUB_TOKEN=canary canary|go", "env|GITHUB_TOKEN=REDACTED|go"},
	{"npm|config|set|_authToken|canary", "npm|config|set|_authToken|REDACTED"},
	{"npm|config|set|//registry.example/:_auth|canary", "npm|config|set|//registry.example/:_auth|REDACTED"},
	{"env|DB_PASS=canary|GH_PAT=canary|SSHPASS=canary|PATH=/usr/bin|go", "env|DB_PASS=REDACTED|GH_PAT=REDACTED|SSHPASS=REDACTED|PATH=/usr/bin|go"},
	{"sh|-c|gh secret set MY_TOKEN --body \"canary\"; gh auth login --with-token <<< canary", "sh|-c|gh secret set MY_TOKEN --body \"REDACTED\"; gh auth login --with-token <<< REDACTED"},
	{"sh|-c|gh secret set MY_TOKEN --body=canary", "sh|-c|gh secret set MY_TOKEN REDACTED"},
	{"sh|-c|gh auth login --with-token < token.txt; helper --password <(printf canary)", "sh|-c|gh auth login --with-token < token.txt; helper --password <(REDACTED)"},
	{"sh|-c|x --token (cat 'canary", "sh|-c|x --token (REDACTED"},
	{"cmd|/c|@set TOKEN=canary canary&& call set TOKEN=canary canary", "cmd|/c|@set TOKEN=REDACTED REDACTED&& call set TOKEN=REDACTED REDACTED"},
	// An apostrophe in a comment opens no quote.
	{"sh|-c|# don't\nTOKEN='canary canary' go build", "sh|-c|# don't\nTOKEN=REDACTED' go build"},
	{"sh|-c|# it's\nhelper --password 'a canary'", "sh|-c|# it's\nhelper --password REDACTED'"},
	// Lines that go on.
	{"sh|-c|curl -u \\\n me:canary x", "sh|-c|curl -u \\\n me:REDACTED x"},
	{"sh|-c|helper --password \\\r\n canary", "sh|-c|helper --password \\\r\n REDACTED"},
	{"sh|-c|helper --password=\\\ncanary -v", "sh|-c|helper --password=REDACTED -v"},
	{"pwsh|-c|curl -u `\r\n me:canary", "pwsh|-c|curl -u `\r\n me:REDACTED"},
	// PowerShell.
	{"pwsh|-c|$env:GITHUB_TOKEN = 'canary'; go get x", "pwsh|-c|$env:GITHUB_TOKEN = 'REDACTED'; go get x"},
	{"pwsh|-c|$token = ConvertTo-SecureString 'canary' -Force; go get x", "pwsh|-c|$token = REDACTED 'REDACTED' REDACTED; go get x"},
	{"pwsh|-c|$env:GITHUB_TOKEN =\n 'canary'\ngo get x", "pwsh|-c|$env:GITHUB_TOKEN =\n 'REDACTED'\ngo get x"},
	{"pwsh|-c|irm -Headers @{'X-Api-Key' = 'canary'} x", "pwsh|-c|irm -Headers @{'X-Api-Key' = 'REDACTED'} x"},
	{`pwsh|-c|irm -Headers @{"X-Api-Key"="canary"; Cookie='canary'; 'X-Auth' = "canary canary"} x`, `pwsh|-c|irm -Headers @{"X-Api-Key"="REDACTED"; Cookie='REDACTED'; 'X-Auth' = "REDACTED"} x`},
	{"pwsh|-c|x --password \"a`\" canary\" y", "pwsh|-c|x --password REDACTED"},
	// Fish, cmd and others that set variables without a =.
	{"fish|-c|set -gx GITHUB_TOKEN canary; go get x", "fish|-c|set -gx GITHUB_TOKEN REDACTED; go get x"},
	{"fish|-c|set -gx GITHUB_TOKEN 'canary x' canary\ngo get x", "fish|-c|set -gx GITHUB_TOKEN 'REDACTED' REDACTED\ngo get x"},
	{"fish|-c|set -gx GITHUB_TOKEN (printf canary); go get x", "fish|-c|set -gx GITHUB_TOKEN (REDACTED); go get x"},
	{"fish|-c|set -q GITHUB_TOKEN; and go get x", ""},
	{"sh|-c|npm config set _authToken canary --location user", "sh|-c|npm config set _authToken REDACTED --location user"},
	{"cmd|/c|set GITHUB_TOKEN=canary&& go get x", "cmd|/c|set GITHUB_TOKEN=REDACTED&& go get x"},
	{"cmd|/c|set GITHUB_TOKEN=canary canary&&go get x", "cmd|/c|set GITHUB_TOKEN=REDACTED REDACTED&&go get x"},
	{`cmd|/c|set "GITHUB_TOKEN=canary" && go`, `cmd|/c|set "GITHUB_TOKEN=REDACTED" && go`},
	// Where a value ends.
	{"sh|-c|export GITHUB_TOKEN=canary;go get x", "sh|-c|export GITHUB_TOKEN=REDACTED;go get x"},
	{"sh|-c|export token='canary';go get x", "sh|-c|export token='REDACTED';go get x"},
	{"sh|-c|x token=canary&canary --token=canary;canary y", "sh|-c|x token=REDACTED --token=REDACTED y"},
	{"sh|-c|x TOKEN=https://h.example/x?a=b&c=canary y", "sh|-c|x TOKEN=REDACTED y"},
	{"sh|-c|x https://h.example/?token=canary&b=c y", "sh|-c|x https://h.example/?token=REDACTED&b=c y"},
	// Substitutions.
	{"sh|-c|export TOKEN=$(printf canary) y", "sh|-c|export TOKEN=REDACTED y"},
	{"sh|-c|export TOKEN=$(printf \"$(echo ')' canary)\" canary) y", "sh|-c|export TOKEN=REDACTED y"},
	{"sh|-c|helper --password=`echo canary` y", "sh|-c|helper --password=REDACTED y"},
	{"sh|-c|helper --password ${PW:-a canary} y", "sh|-c|helper --password REDACTED y"},
	{"sh|-c|x=$(curl --password pa\\ canary) y", "sh|-c|x=$(curl --password REDACTED) y"},
	// A .netrc.
	{`sh|-c|echo "machine h login me password canary" > ~/.netrc`, `sh|-c|echo "machine h login me password REDACTED" > ~/.netrc`},
	{`sh|-c|printf 'machine h\nlogin me\npassword canary\n' > ~/.netrc`, `sh|-c|printf 'machine h\nlogin me\npassword REDACTED' > ~/.netrc`},
	{"sh|-c|cat > ~/.netrc <<E\nmachine h\nlogin me\naccount canary\npassword canary;canary\nE", "sh|-c|cat > ~/.netrc <<E\nmachine h\nlogin me\naccount REDACTED\npassword REDACTED\nE"},
	// Blanks.
	{"sh|-c|curl\t--token\tcanary", "sh|-c|curl\t--token\tREDACTED"},
	{"sh|-c|-u root --token canary|-x y --token canary -u", "sh|-c|-u root --token REDACTED|-x y --token REDACTED -u"},
	// Quoted names.
	{`sh|-c|helper "--token" canary`, `sh|-c|helper "--token" REDACTED`},
	{"sh|-c|'-u' 'me:canary' '-sSu' me:canary", "sh|-c|'-u' 'me:REDACTED' '-sSu' me:REDACTED"},
	{"sh|-c|mycmd '--token=canary' x", "sh|-c|mycmd '--token=REDACTED' x"},
	{`sh|-c|["helper", "--token", "canary"]`, `sh|-c|["helper", "--token", "REDACTED"]`},
	{"sh|-c|helper --token = canary x", "sh|-c|helper --token = REDACTED x"},
	// Escapes, and paths of Windows.
	{`sh|-c|helper --password pa\ canary x`, `sh|-c|helper --password REDACTED x`},
	{`sh|-c|helper --password "a\" canary" x`, `sh|-c|helper --password "REDACTED" x`},
	{`sh|-c|curl -u me:pa\ canary x`, `sh|-c|curl -u me:REDACTED x`},
	{`sh|-c|helper --password $'a\' canary' x`, `sh|-c|helper --password REDACTED x`},
	{`sh|-c|sh -c "curl -u \"me:a canary\" x"`, `sh|-c|sh -c "curl -u \"me:REDACTED x"`},
	{`sh|-c|dir C:\ --token canary`, `sh|-c|dir C:\ --token REDACTED`},
	{`sh|-c|helper --dir "C:\" --password "horse canary" x`, `sh|-c|helper --dir "C:\" --password REDACTED" x`},
	{`sh|-c|copy C:\dir\x "C:\Program Files\x" y`, ""},
}

// Lines as of GOAUTH and GOFLAGS; secrets as above.
var redactLineTests = []struct{ in, want string }{
	{"netrc", ""},
	{"-mod=mod", ""},
	{"git /home/me/repo; netrc", ""},
	{"'-ldflags=-s -w' -mod=mod", ""},
	{`helper --password "canary horse battery"`, `helper --password "REDACTED"`},
	{`helper --password 'horse "canary'; netrc`, `helper --password 'REDACTED'; netrc`},
	{`helper --password="horse canary" -v`, `helper --password="REDACTED" -v`},
	{`helper --password "horse canary`, "helper --password REDACTED"},
	{`helper --header "Authorization: Token canary"`, `helper --header "Authorization: REDACTED"`},
	{`helper -header "X-Auth-Token: canary" x`, `helper -header "X-Auth-Token: REDACTED" x`},
	{"helper -token canary", "helper -token REDACTED"},
	{"-token canary-u", "-token REDACTED"},
	{"-token=canary", "-token=REDACTED"},
	{"helper --note it's --password canary", "helper --note it's --password REDACTED"},
	{"helper --note it's --password canary 'tis", "helper --note it's --password REDACTED 'tis"},
	{`'-ldflags=-X "main.password=canary horse"'`, `'-ldflags=-X "main.password=REDACTED'`},
	{"'-ldflags=-X main.token=canary' -mod=mod", "'-ldflags=-X main.token=REDACTED' -mod=mod"},
	// Quoted names.
	{`helper "--token" canary`, `helper "--token" REDACTED`},
	{"'-u' 'me:canary' '-sSu' me:canary", "'-u' 'me:REDACTED' '-sSu' me:REDACTED"},
	{"mycmd '--token=canary' x", "mycmd '--token=REDACTED' x"},
	{`["helper", "--token", "canary"]`, `["helper", "--token", "REDACTED"]`},
	{"helper --token = canary x", "helper --token = REDACTED x"},
	// Escapes, and paths of Windows.
	{`helper --password pa\ canary x`, `helper --password REDACTED x`},
	{`helper --password "a\" canary" x`, `helper --password "REDACTED" x`},
	{`curl -u me:pa\ canary x`, `curl -u me:REDACTED x`},
	{`helper --password $'a\' canary' x`, `helper --password REDACTED x`},
	{`sh -c "curl -u \"me:a canary\" x"`, `sh -c "curl -u \"me:REDACTED x"`},
	{`dir C:\ --token canary`, `dir C:\ --token REDACTED`},
	{`helper --dir "C:\" --password "horse canary" x`, `helper --dir "C:\" --password REDACTED" x`},
	{`copy C:\dir\x "C:\Program Files\x" y`, ""},
}

func TestRedactLine(t *testing.T) {
	for _, tt := range redactLineTests {
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if got := NewRedactor().Line(tt.in); got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, want)
		}
		if got := (*Redactor)(nil).Line(tt.in); got != tt.in {
			t.Errorf("a nil Redactor changed it to %s", got)
		}
	}
}

func TestRedactArgs(t *testing.T) {
	for _, tt := range redactArgsTests {
		split := func(s string) []string {
			if strings.Contains(s, "|") {
				return strings.SplitN(s, "|", 9)
			}
			return strings.Split(s, " ")
		}
		want := tt.want
		if want == "" {
			want = tt.in
		}
		sep := " "
		if strings.Contains(tt.in, "|") {
			sep = "|"
		}
		got := strings.Join(NewRedactor().Args(split(tt.in)), sep)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, want)
		}
		if diff := cmp.Diff(split(tt.in), (*Redactor)(nil).Args(split(tt.in))); diff != "" {
			t.Errorf("a nil Redactor changed %s", diff)
		}
	}
}

// hostileLine is a command line of n bytes that a reader of quotes, of parentheses or of
// names may be made to look through again and again.
func hostileLine(name string, n int) string {
	h := hostileLines[name]
	return h[0] + strings.Repeat(h[1], n/len(h[1]))
}

var hostileLines = map[string][2]string{
	"words": {"", "a "}, "substitutions": {"", "\"$( "}, "quotes": {"", "\"a 'b "}, "escapes": {"", "^\"`\\\" "}, "parens": {"", "("}, "operators": {"", "token=a;"},
	"schemes": {"", "Bearer|realm="}, "no credentials": {"", "Bearer . "}, "sets": {"", "set TOKEN a "}, "parens of an option": {"-u ", "("}, "hashes of an option": {"", "$(token=\"x\" @{"},
	"values of a long name": {"set -" + strings.Repeat("x", 1<<15) + "TOKEN=", "a "}, "apostrophes": {"", "it's "},
}

// TestHostileLines would not end before go test does, were a line's cost the square of its
// length.
func TestHostileLines(t *testing.T) {
	r := NewRedactor()
	for name := range hostileLines {
		r.Line(hostileLine(name, 1<<17))
		r.Args([]string{"x", "-u", hostileLine(name, 1<<17)})
	}
}

// A hostile command line must not cost more than its length.
func BenchmarkRedactScriptHostile(b *testing.B) {
	r := NewRedactor()
	for name := range hostileLines {
		s := hostileLine(name, 1<<20)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				r.Line(s)
			}
		})
	}
}
