//go:build race

package intercept_test

const raceDetector = true
