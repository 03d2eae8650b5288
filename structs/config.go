package structs

// Scheduler algorithms.
const (
	SchedulerBinpack = "binpack"
	SchedulerSpread  = "spread"
)

// SchedulerConfiguration is the cluster-wide behaviour of the scheduler.
type SchedulerConfiguration struct {
	SchedulerAlgorithm            string
	PreemptionConfig              PreemptionConfig
	MemoryOversubscriptionEnabled bool
	RejectJobRegistration         bool
	PauseEvalBroker               bool
	NodeLimitForFeasibilityChecks int // accepted; Berth looks at every node
	CreateIndex, ModifyIndex      uint64
}

// PreemptionConfig says which job types may preempt.
type PreemptionConfig struct {
	SystemSchedulerEnabled   bool
	SysBatchSchedulerEnabled bool
	BatchSchedulerEnabled    bool
	ServiceSchedulerEnabled  bool
}

// DefaultSchedulerConfiguration is what a new cluster starts with.
func DefaultSchedulerConfiguration() *SchedulerConfiguration {
	return &SchedulerConfiguration{
		SchedulerAlgorithm:            SchedulerBinpack,
		PreemptionConfig:              PreemptionConfig{SystemSchedulerEnabled: true},
		NodeLimitForFeasibilityChecks: 100,
	}
}
