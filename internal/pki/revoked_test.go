package pki

import (
	"strings"
	"testing"
)

func TestWhatARevocationNames(t *testing.T) {
	const id = "0b5c6a30-1111-4222-8333-444455556666"
	for text, want := range map[string]string{
		id: id, strings.ToUpper(id): id, "0A:BC:01": "abc01", "abc01": "abc01", "00ff": "ff",
		"": "", "0": "", "xyz": "", "0b5c6a30": "b5c6a30", "web": "", strings.Repeat("f", 40): strings.Repeat("f", 40), strings.Repeat("f", 41): "",
		"00000000-0000-0000-0000-000000000000": "",
	} {
		got, err := RevocationName(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}
