package hostile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"berth/structs"
)

// Commands are new bodies of every kind of command.
func Commands() map[structs.CommandKind]msgp.Marshaler {
	return map[structs.CommandKind]msgp.Marshaler{
		structs.CmdJobRegister:            &structs.JobRegisterCommand{},
		structs.CmdJobDeregister:          &structs.JobDeregisterCommand{},
		structs.CmdNodeRegister:           &structs.NodeRegisterCommand{},
		structs.CmdNodeDeregister:         &structs.NodeDeregisterCommand{},
		structs.CmdNodeStatus:             &structs.NodeStatusCommand{},
		structs.CmdNodeEligibility:        &structs.NodeEligibilityCommand{},
		structs.CmdNodeDrain:              &structs.NodeDrainCommand{},
		structs.CmdEvalUpsert:             &structs.EvalUpsertCommand{},
		structs.CmdPlanApply:              &structs.PlanApplyCommand{},
		structs.CmdAllocClientUpdate:      &structs.AllocClientUpdateCommand{},
		structs.CmdAllocTransition:        &structs.AllocTransitionCommand{},
		structs.CmdDeploymentUpdate:       &structs.DeploymentUpdateCommand{},
		structs.CmdReap:                   &structs.ReapCommand{},
		structs.CmdSchedulerConfig:        &structs.SchedulerConfigCommand{},
		structs.CmdNamespaceUpsert:        &structs.NamespaceUpsertCommand{},
		structs.CmdNamespaceDelete:        &structs.NameDeleteCommand{},
		structs.CmdNodePoolUpsert:         &structs.NodePoolUpsertCommand{},
		structs.CmdNodePoolDelete:         &structs.NameDeleteCommand{},
		structs.CmdJobSuspend:             &structs.JobSuspendCommand{Eval: &structs.Evaluation{}},
		structs.CmdJobStability:           &structs.JobStabilityCommand{},
		structs.CmdJobVersionTag:          &structs.JobVersionTagCommand{},
		structs.CmdAuthorityRoot:          &structs.AuthorityRootCommand{},
		structs.CmdAuthorityRootDelete:    &structs.NameDeleteCommand{},
		structs.CmdJoinToken:              &structs.JoinTokenCommand{},
		structs.CmdJoinTokenDelete:        &structs.JoinTokenDeleteCommand{},
		structs.CmdJoinTokenUse:           &structs.JoinTokenUseCommand{},
		structs.CmdPeriodicLaunch:         &structs.PeriodicLaunchCommand{},
		structs.CmdJobDispatch:            &structs.JobDispatchCommand{},
		structs.CmdNodeTaints:             &structs.NodeTaintsCommand{},
		structs.CmdRegion:                 &structs.RegionCommand{},
		structs.CmdRegionForget:           &structs.NameDeleteCommand{},
		structs.CmdAutopilotConfig:        &structs.AutopilotConfigCommand{},
		structs.CmdPriorityClass:          &structs.PriorityClassCommand{},
		structs.CmdPriorityClassDelete:    &structs.NameDeleteCommand{},
		structs.CmdDisruptionBudget:       &structs.DisruptionBudgetCommand{},
		structs.CmdDisruptionBudgetDelete: &structs.DisruptionBudgetDeleteCommand{},
		structs.CmdQueue:                  &structs.QueueCommand{Queue: &structs.Queue{}},
		structs.CmdNodeShutdown:           &structs.NodeShutdownCommand{Evals: []*structs.Evaluation{nil}},
		structs.CmdQueueDelete:            &structs.NameDeleteCommand{},
		structs.CmdChainCheck:             &structs.ChainCheckCommand{},
		structs.CmdCertificateRevoke:      &structs.CertificateRevokeCommand{},
		structs.CmdCertificateReinstate:   &structs.NameDeleteCommand{},
		structs.CmdACLPolicyUpsert:        &structs.ACLPolicyUpsertCommand{},
		structs.CmdACLPolicyDelete:        &structs.NameDeleteCommand{},
		structs.CmdACLRoleUpsert:          &structs.ACLRoleUpsertCommand{},
		structs.CmdACLRoleDelete:          &structs.ACLRoleDeleteCommand{},
		structs.CmdACLTokenUpsert:         &structs.ACLTokenUpsertCommand{},
		structs.CmdACLTokenDelete:         &structs.ACLTokenDeleteCommand{},
		structs.CmdACLBootstrap:           &structs.ACLBootstrapCommand{},
		structs.CmdOneTimeToken:           &structs.OneTimeTokenCommand{},
		structs.CmdOneTimeTokenUse:        &structs.OneTimeTokenUseCommand{},
		structs.CmdACLExpire:              &structs.ACLExpireCommand{},
	}
}

// Filler fills values. Names and ids come from few, so that objects meet.
type Filler struct {
	R *rand.Rand
	// IDs and Names are some that exist.
	IDs   []structs.ID
	Names []string
}

// depth is how deep values are filled.
const depth = 12

// Fill sets every field of what v points to.
func (f *Filler) Fill(v any) { f.fill(reflect.ValueOf(v).Elem(), depth) }

func (f *Filler) fill(v reflect.Value, deep int) {
	if deep == 0 || !v.CanSet() {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *structs.ID:
		*x = f.id()
		return
	case *msgp.Raw:
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if f.R.IntN(5) == 0 {
			v.SetZero()
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), deep-1)
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), deep-1)
		}
	case reflect.Slice:
		n := f.R.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i), deep-1)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), deep-1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range f.R.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key, deep-1)
			f.fill(value, deep-1)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(f.R.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt([]int64{0, 1, 2, -1, 7, 1000, math.MaxInt32, math.MaxInt64, math.MinInt64, 1e18, 20_000}[f.R.IntN(11)])
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint([]uint64{0, 1, 2, 7, 255, 65_535, math.MaxUint32, math.MaxUint64}[f.R.IntN(8)])
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1, -1, 0.5, math.Inf(1), math.NaN(), math.MaxFloat64}[f.R.IntN(7)])
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(f.text()))
		}
	default: // nothing else is in a command
	}
}

func (f *Filler) id() structs.ID {
	switch {
	case f.R.IntN(8) == 0:
		return structs.ID{}
	case len(f.IDs) > 0 && f.R.IntN(3) > 0:
		return f.IDs[f.R.IntN(len(f.IDs))]
	}
	return structs.ID{0: byte(f.R.IntN(3)), 15: byte(f.R.IntN(5))}
}

func (f *Filler) text() string {
	if len(f.Names) > 0 && f.R.IntN(2) == 0 {
		return f.Names[f.R.IntN(len(f.Names))]
	}
	if f.R.IntN(8) == 0 {
		return f.id().String()
	}
	words := []string{
		"", "default", "all", "global", "service", "batch", "system", "sysbatch", "run", "stop", "evict", "pending", "running", "complete",
		"failed", "lost", "unknown", "ready", "down", "disconnected", "initializing", "eligible", "ineligible", "successful", "paused", "blocked",
		"client", "server", "spread", "binpack", "host", "bridge", "=", "regexp", "distinct_property", "distinct_hosts", "version", "(((", "${node.datacenter}",
		"${attr.", "* * * * *", "@every 1s", "Nowhere/City", "10.0.0.1", "::1", "\x00", "\xff\xfe", "../../etc", "*", "-1", "1e999", strings.Repeat("x", 5000),
	}
	return words[f.R.IntN(len(words))]
}

// Command is a filled command of a kind.
func (f *Filler) Command(kind structs.CommandKind) (structs.Command, error) {
	body, ok := Commands()[kind]
	if !ok {
		return structs.Command{}, fmt.Errorf("kind %d is not in the list", kind)
	}
	f.Fill(body)
	return structs.NewCommand(kind, []int64{0, 1, -1, 1e18, math.MaxInt64}[f.R.IntN(5)], body)
}
