package httpapi

import (
	"net/http"
)

// metrics answers with the figures of this process.
func (a *API) metrics(w http.ResponseWriter, r *request) error {
	if err := r.mine(); err != nil {
		return err
	}
	switch format := r.query.Get("format"); format {
	case "prometheus":
		prom := a.Metrics.Prometheus()
		if prom == nil {
			return status(http.StatusUnsupportedMediaType, "Prometheus is not enabled: set telemetry { prometheus_metrics = true }")
		}
		prom.ServeHTTP(w, r.Request)
		return nil
	case "":
	default:
		return invalid("Unknown format %q: leave it out for JSON, or ask for prometheus", format)
	}
	sum, err := a.Metrics.Summary()
	if err != nil {
		return err
	}
	writeJSON(w, sum, r.query.Has("pretty") && r.query.Get("pretty") != "0")
	return nil
}
