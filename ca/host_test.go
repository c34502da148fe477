package ca

import (
	"strings"
	"testing"
)

var targetTests = []struct {
	host string
	want string // "" for an error
}{
	{"proxy.golang.org", "proxy.golang.org"},
	{"Proxy.GoLang.ORG", "proxy.golang.org"},
	{"proxy.golang.org.", "proxy.golang.org"},
	{"go_mod.corp-1.test", "go_mod.corp-1.test"},
	{"host", "host"},
	{"127.0.0.1", "127.0.0.1"},
	{"::1", "::1"},
	{"[::1]", "::1"},
	{"[2001:DB8::1]", "2001:db8::1"},
	{"[127.0.0.1]", "127.0.0.1"},
	{"::ffff:10.0.0.1", "10.0.0.1"},
	{"fe80::1%eth0", "fe80::1"},
	{"[fe80::1%25eth0]", "fe80::1"},
	{"1.2.3", "1.2.3"}, // not an address for net.ParseIP either
	{"0127.0.0.1", "0127.0.0.1"},
	{"xn--bcher-kva.example", "xn--bcher-kva.example"},
	{"bücher.example", "xn--bcher-kva.example"},
	{"BÜCHER.Example", "xn--bcher-kva.example"},
	{"例え.テスト", "xn--r8jz45g.xn--zckzah"},
	{"例え。テスト。", "xn--r8jz45g.xn--zckzah"},
	{"münchen.example.", "xn--mnchen-3ya.example"},
	{strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 126) + "a"},

	{"", ""},
	{".", ""},
	{"a..b", ""},
	{"a.b..", ""},
	{".a", ""},
	{"。a", ""},
	{"example.com:443", ""},
	{"[::1", ""},
	{"[example.com]", ""},
	{"[]", ""},
	{"*.example.com", ""},
	{"a b", ""},
	{"ü b", ""},
	{"a\x00b", ""},
	{"ü\u2028b", ""},
	{"\xff\xfe.example", ""},
	{strings.Repeat("a.", 127) + "a", ""},
	{strings.Repeat("ü", 300), ""},
}

func TestParseTarget(t *testing.T) {
	for _, tt := range targetTests {
		got, err := parseTarget(tt.host)
		if tt.want == "" {
			if err == nil {
				t.Errorf("parseTarget(%q) = %q, want an error", tt.host, got)
			}
			continue
		}
		if err != nil || got.String() != tt.want {
			t.Errorf("parseTarget(%q) = %q, %v, want %q", tt.host, got, err, tt.want)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, tt := range targetTests {
		f.Add(tt.host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		got, err := parseTarget(host)
		if err != nil {
			return
		}
		again, err := parseTarget(got.String())
		if err != nil || again.String() != got.String() {
			t.Errorf("parseTarget(%q) = %q, and of that: %q, %v", host, got, again, err)
		}
	})
}

// The samples of RFC 3492, §7.1, with erratum 3026, and some short ones.
var punycodeTests = []struct {
	name, label, want string
}{
	{"one character", "ü", "tda"},
	{"basic and one more", "bücher", "bcher-kva"},
	{"largest code point", "a\U0010FFFF", "a-h023p"},
	{"Arabic (Egyptian)", "ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"},
	{"Chinese (simplified)", "他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"},
	{"Chinese (traditional)", "他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb"},
	{"Czech", "Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"},
	{"Hebrew", "למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"},
	{"Hindi", "यहलोगहिन्दीक्योंनहींबोलसकतेहैं", "i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd"},
	{"Japanese", "なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"},
	{"Korean", "세계의모든사람들이한국어를이해한다면얼마나좋을까",
		"989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea98c"},
	{"Russian", "почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"},
	{"Spanish", "PorquénopuedensimplementehablarenEspañol", "PorqunopuedensimplementehablarenEspaol-fmd56a"},
	{"Vietnamese", "TạisaohọkhôngthểchỉnóitiếngViệt", "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g"},
	{"3-nen-B-gumi", "3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"},
	{"SUPER-MONKEYS", "安室奈美恵-with-SUPER-MONKEYS", "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n"},
	{"Hello-Another-Way", "Hello-Another-Way-それぞれの場所", "Hello-Another-Way--fc4qua05auwb3674vfr0b"},
	{"hitotsu", "ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v"},
	{"MajiKoi5", "MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"},
	{"pafii-de-runba", "パフィーdeルンバ", "de-jg4avhby1noc0d"},
	{"sono-supiido-de", "そのスピードで", "d9juau41awczczp"},
	{"ASCII that breaks the rules of host names", "-> $1.00 <-", "-> $1.00 <--"},
}

func TestPunycode(t *testing.T) {
	for _, tt := range punycodeTests {
		if got := punycode(tt.label); got != tt.want {
			t.Errorf("%s: punycode(%q) = %q, want %q", tt.name, tt.label, got, tt.want)
		}
	}
}
