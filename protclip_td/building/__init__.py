"""From a checked configuration to data set, task, optimizer and engine."""

from protclip_td.building.experiment import Experiment, build

__all__ = ["Experiment", "build"]
