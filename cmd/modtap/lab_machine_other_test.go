//go:build !linux

package main

var labMachineFaults []scenario
