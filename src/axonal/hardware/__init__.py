"""The machine: `load` a system file into a frozen `System`, or `check` it for mistakes."""

from axonal.hardware.checking import check, json_schema
from axonal.hardware.loading import load, preset_text, presets
from axonal.hardware.problem import Problem, SystemFileError
from axonal.hardware.profiles import with_profile
from axonal.hardware.scaling import with_scaled
from axonal.hardware.system import Chip, Constant, Core, EnergyTable, Link, Noc, Profile, Router, System

__all__ = [
    "Chip",
    "Constant",
    "Core",
    "EnergyTable",
    "Link",
    "Noc",
    "Problem",
    "Profile",
    "Router",
    "System",
    "SystemFileError",
    "check",
    "json_schema",
    "load",
    "preset_text",
    "presets",
    "with_profile",
    "with_scaled",
]
