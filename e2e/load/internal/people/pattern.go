package people

import (
	"fmt"
	"strings"
)

// expand writes n into a pattern; a pattern without a verb is taken as it stands.
func expand(pattern string, n int) (string, error) {
	if !strings.Contains(pattern, "%") {
		return pattern, nil
	}
	s := fmt.Sprintf(pattern, n)
	if strings.Contains(s, "%!") {
		return "", fmt.Errorf("%q takes one number, such as %%06d", pattern)
	}
	return s, nil
}
