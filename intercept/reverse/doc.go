// Package reverse plans reverse mode: which GOPROXY and GOSUMDB a go command is given so
// that its requests come to modtap's own port as http://127.0.0.1:PORT/TOKEN/N/HOST/…, and
// which true URL, with which credentials, each of them stands for. No CA is needed then.
//
// It is pure: settings go in, a [Plan] comes out. What must never happen here: a rewritten
// URL with credentials in it, or a list that makes the go command choose another entry
// than it would have chosen.
package reverse
