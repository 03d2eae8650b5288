package structs

import (
	"slices"
	"strings"
)

// Volume types.
const (
	VolumeTypeHost = "host"
	VolumeTypeCSI  = "csi"
)

// Access and attachment modes of volumes.
const (
	AccessReaderOnly       = "single-node-reader-only"
	AccessWriter           = "single-node-writer"
	AccessSingleWriter     = "single-node-single-writer"
	AccessMultiWriter      = "single-node-multi-writer"
	AccessMultiNodeReader  = "multi-node-reader-only"
	AccessMultiNodeSingle  = "multi-node-single-writer"
	AccessMultiNodeMulti   = "multi-node-multi-writer"
	AttachmentFileSystem   = "file-system"
	AttachmentBlockDevice  = "block-device"
	readerOnlySuffix       = "-reader-only"
	volumePerAllocConflict = "per_alloc gives every allocation a volume of its own"
)

func (c *checker) checkVolumes(p *place, g *TaskGroup) {
	for _, name := range sortedKeys(g.Volumes) {
		v, at := g.Volumes[name], p.key("Volumes", name)
		c.oneOf(at.in("Type"), "type", v.Type, VolumeTypeHost, VolumeTypeCSI)
		if v.Source == "" {
			c.fault(at.in("Source"), "volume %q has no source", clip(name)).Hint = "write the name of the volume on the node or in the cluster"
		}
		c.checkPerAlloc(at, g, v)
		switch v.Type {
		case VolumeTypeHost:
			c.checkHostVolume(at, v)
		case VolumeTypeCSI:
			c.checkCSIVolume(at, g, v)
		}
		if strings.HasSuffix(v.AccessMode, readerOnlySuffix) && !v.ReadOnly {
			c.fault(at.in("ReadOnly"), "access_mode %q needs read_only = true", v.AccessMode)
		}
	}
}

func (c *checker) checkPerAlloc(p *place, g *TaskGroup, v *VolumeRequest) {
	if !v.PerAlloc {
		return
	}
	at := p.in("PerAlloc")
	if t := c.job.Type; t == JobTypeSystem || t == JobTypeSysBatch {
		c.fault(at, volumePerAllocConflict+"; a %s job cannot use it", t)
	}
	if g.Update != nil && val(g.Update.Canary) > 0 {
		c.fault(at, volumePerAllocConflict+"; it cannot be used with canaries").Hint = "set canary to 0"
	}
	if v.Sticky {
		c.fault(at, volumePerAllocConflict+"; it cannot be sticky too").Hint = "remove one of the two"
	}
}

func (c *checker) checkHostVolume(p *place, v *VolumeRequest) {
	c.oneOf(p.in("AccessMode"), "access_mode", v.AccessMode, "", AccessReaderOnly, AccessWriter, AccessSingleWriter, AccessMultiWriter)
	c.oneOf(p.in("AttachmentMode"), "attachment_mode", v.AttachmentMode, "", AttachmentFileSystem, AttachmentBlockDevice)
	if v.MountOptions != nil {
		c.fault(p.in("MountOptions"), "mount_options is for csi volumes; this one has type host")
	}
}

func (c *checker) checkCSIVolume(p *place, g *TaskGroup, v *VolumeRequest) {
	c.oneOf(p.in("AccessMode"), "access_mode", v.AccessMode, AccessReaderOnly, AccessWriter, AccessMultiNodeReader, AccessMultiNodeSingle, AccessMultiNodeMulti)
	c.oneOf(p.in("AttachmentMode"), "attachment_mode", v.AttachmentMode, AttachmentFileSystem, AttachmentBlockDevice)
	if v.Sticky {
		c.fault(p.in("Sticky"), "sticky is for host volumes; this one has type csi")
	}
	single := slices.Contains([]string{AccessWriter, AccessMultiNodeSingle}, v.AccessMode)
	if single && !v.ReadOnly && !v.PerAlloc && g.Desired() > 1 {
		c.fault(p.in("AccessMode"), "access_mode %q lets one allocation write, but count is %d", v.AccessMode, g.Desired()).Hint = "set per_alloc = true, or use multi-node-multi-writer"
	}
}

func (c *checker) checkMounts(p *place, g *TaskGroup, t *Task) {
	for i, m := range t.VolumeMounts {
		at := p.item("VolumeMounts", i)
		name := val(m.Volume)
		if _, ok := g.Volumes[name]; !ok {
			f := c.fault(at.in("Volume"), "volume %q is not declared in group %q", clip(name), clip(g.Name))
			f.Hint = didYouMean(name, sortedKeys(g.Volumes))
			if f.Hint == "" {
				f.Hint = `add a volume "` + clip(name) + `" block to the group`
			}
		}
		if val(m.Destination) == "" {
			c.fault(at.in("Destination"), "the volume_mount has no destination").Hint = "write the path inside the task"
		}
		c.oneOf(at.in("PropagationMode"), "propagation_mode", val(m.PropagationMode), PropagationPrivate, PropagationHostToTask, PropagationBidirectional)
	}
}

func (c *checker) checkCSIPlugin(p *place, cfg *TaskCSIPluginConfig) {
	if cfg == nil {
		return
	}
	if cfg.ID == "" {
		c.fault(p.in("ID"), "the csi_plugin has no id")
	}
	c.oneOf(p.in("Type"), "type", cfg.Type, "node", "controller", "monolith")
	mount := strings.TrimSuffix(cfg.MountDir, "/") + "/"
	if strings.HasPrefix(cfg.StagePublishBaseDir+"/", mount) {
		c.fault(p.in("StagePublishBaseDir"), "stage_publish_base_dir %q lies inside mount_dir %q", clip(cfg.StagePublishBaseDir), clip(cfg.MountDir))
	}
}
