package main

import (
	"strings"
	"testing"
)

func TestGoDir(t *testing.T) {
	for line, want := range map[string]string{
		"go":                          "",
		"go build ./...":              "",
		"go -C":                       "",
		"go -C sub build ./...":       "sub",
		"go --C=sub build":            "sub",
		"go build -C sub ./...":       "sub",
		"go build -C=sub":             "sub",
		"go mod download --C sub x":   "sub",
		"go mod -C sub download":      "sub",
		"go work sync -C=/a/b":        "/a/b",
		"go build -v -C sub":          "", // an error of the go command's
		"go run ./x -C sub":           "", // the program's own
		"go mod":                      "",
		"go test -C sub -run X ./...": "sub",
	} {
		if got := goDir(strings.Fields(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
