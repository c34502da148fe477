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
