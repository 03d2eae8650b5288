package fingerprint

import (
	"context"
	"errors"
	"maps"
	"time"

	"berth/drivers"
	"berth/structs"
)

// driverPatience is how long a driver may take to tell what it can do. It is far more than one needs.
const driverPatience = 5 * time.Second

// driver asks one driver. One that does not answer in time is not healthy.
func driver(d drivers.Driver) prober {
	return func(ctx context.Context, _ Config, r *Result) {
		ctx, cancel := context.WithTimeout(ctx, driverPatience)
		defer cancel()
		f := d.Fingerprint(ctx)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			f.Healthy, f.HealthDescription = false, "the driver did not answer within "+driverPatience.String()
		}
		r.Drivers[d.Name()] = &structs.DriverInfo{Attributes: f.Attributes, Detected: f.Detected, Healthy: f.Healthy,
			HealthDescription: f.HealthDescription, UpdateTime: time.Now().UTC()}
		if f.Detected && f.Healthy {
			r.Attributes["driver."+d.Name()] = "1"
		} else if f.HealthDescription != "" {
			r.Problems = append(r.Problems, "driver "+d.Name()+": "+f.HealthDescription)
		}
		maps.Copy(r.Attributes, f.Attributes)
	}
}
