package hoststats

import "testing"

func TestSample(t *testing.T) {
	var s Sampler
	for range 2 {
		got, err := s.Sample(t.TempDir(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if got.Memory.Total == 0 || got.Memory.Used >= got.Memory.Total || len(got.CPU) == 0 || got.Uptime == 0 || got.AllocDirStats.Size == 0 {
			t.Errorf("sample %+v", got)
		}
		for _, c := range got.CPU {
			if sum := c.User + c.System + c.Idle; sum < 99.9 || sum > 100.1 {
				t.Errorf("%+v is %v percent", c, sum)
			}
		}
	}
}

func TestShareOfNoTime(t *testing.T) {
	if c := share("cpu0", ticks{1, 1, 1}, ticks{1, 1, 1}); c.Idle != 100 || c.TotalPercent != 0 {
		t.Errorf("%+v", c)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("cpu0 1 2 3 4 5 6 7 8\nMemTotal: 12 kB\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		parseTicks(b)
		parseMemory(b)
	})
}
