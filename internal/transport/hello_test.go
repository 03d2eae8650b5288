package transport

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"berth/structs"
)

func TestFramesAreBounded(t *testing.T) {
	var b bytes.Buffer
	if err := writeFrame(&b, hello{Addr: strings.Repeat("x", maxFrame)}, maxFrame); err == nil || b.Len() != 0 {
		t.Errorf("a long frame was sent: %v", err)
	}
	huge := binary.BigEndian.AppendUint32(nil, 1<<31)
	var h hello
	if err := readFrame(bytes.NewReader(huge), &h, maxFrame); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a huge frame: %v", err)
	}
	short := append(binary.BigEndian.AppendUint32(nil, 100), "{}"...)
	if err := readFrame(bytes.NewReader(short), &h, maxFrame); err == nil {
		t.Error("a frame that is cut off was read")
	}
}

func FuzzHello(f *testing.F) {
	var b bytes.Buffer
	if err := writeFrame(&b, hello{ID: structs.MustID("0b5c6a30-1111-4222-8333-444455556666"), Role: "client", Region: "global", Addr: "10.0.0.1:4647"}, maxFrame); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var h hello
		if readFrame(bytes.NewReader(data), &h, maxFrame) != nil {
			return
		}
		var b bytes.Buffer
		if err := writeFrame(&b, h, 8*maxFrame); err != nil { // what was escaped may be longer
			t.Fatal(err)
		}
		var again hello
		if err := readFrame(&b, &again, 8*maxFrame); err != nil || again != h {
			t.Errorf("%+v came back as %+v, %v", h, again, err)
		}
	})
}

func FuzzJoinFrames(f *testing.F) {
	var b bytes.Buffer
	if err := writeFrame(&b, joinAnswer{Response: &JoinResponse{Region: "global", Servers: []string{"a:1"}}}, maxJoinFrame); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, data []byte) {
		var a joinAnswer
		_ = readFrame(bytes.NewReader(data), &a, maxJoinFrame)
		_ = a.refusal()
		var r JoinRequest
		_ = readFrame(bytes.NewReader(data), &r, maxFrame*4)
	})
}
