package child

import (
	"os"
	"strconv"
	"strings"
)

// parentName is the name of the program that started this one; "" when it is not known.
func parentName() string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
