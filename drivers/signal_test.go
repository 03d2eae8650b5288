package drivers

import "testing"

func TestSignalsAreNamesAndNumbers(t *testing.T) {
	for text, want := range map[string]int{"SIGTERM": 15, " quit\n": 3, "9": 9, "64": 64, "1": 1, "SIGRTMAX-1": 63, "SIGPOLL": 29} {
		if s, err := ParseSignal(text); err != nil || int(s) != want {
			t.Errorf("%q: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "65", "SIGNONSENSE"} {
		if s, err := ParseSignal(text); err == nil {
			t.Errorf("%q is %d", text, s)
		}
	}
}
