package bench

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Figure is one line of the table. Lower is better unless More is set.
type Figure struct {
	What     string
	Unit     string
	Goal     float64
	Measured float64
	More     bool
	// Nomad is what Nomad 2.0.6-dev was measured at on this kind of machine; 0 for none.
	Nomad float64
	Note  string
}

// Ratio is measured to goal, or goal to measured where more is better; at most 1 is good.
func (f Figure) Ratio() float64 {
	switch {
	case f.Measured == f.Goal: // of which both may be nothing
		return 1
	case f.More:
		return f.Goal / f.Measured
	}
	return f.Measured / f.Goal
}

// Print writes the table.
func Print(w io.Writer, figures []Figure) {
	fmt.Fprintf(w, "%-46s %10s %10s %7s %8s  %s\n", "what", "goal", "measured", "ratio", "Nomad", "")
	for _, f := range figures {
		nomad := "-"
		if f.Nomad > 0 {
			nomad = amount(f.Nomad)
		}
		verdict := "ok"
		if f.Ratio() > 1 {
			verdict = "MISSED"
		}
		if f.Note != "" {
			verdict += ", " + f.Note
		}
		fmt.Fprintf(w, "%-46s %10s %10s %7.2f %8s  %s\n", f.What+", "+f.Unit, amount(f.Goal), amount(f.Measured), f.Ratio(), nomad, verdict)
	}
}

func amount(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// Percentile is the value at p (0 to 1) of the samples, by nearest rank.
func Percentile(samples []time.Duration, p float64) time.Duration {
	sorted := slices.Clone(samples)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}
