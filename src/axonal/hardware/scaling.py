"""A system with one of its constants scaled, for asking how much that constant matters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from axonal.hardware.problem import did_you_mean
from axonal.hardware.system import System

__all__ = ["with_scaled"]

T = TypeVar("T", bound=Any)

_CHIP: Mapping[str, tuple[str, ...]] = {
    "core.clock": ("core", "clock_ghz"),
    "core.lanes": ("core", "lanes"),
    "core.sram": ("core", "sram_bits"),
    "core.leakage": ("core", "leakage_mw"),
    "core.mac_energy": ("core", "energy", "mac_pj"),
    "core.accumulate_energy": ("core", "energy", "accumulate_pj"),
    "core.elementwise_energy": ("core", "energy", "elementwise_pj"),
    "core.sram_read_energy": ("core", "energy", "sram_read_pj_per_bit"),
    "core.sram_write_energy": ("core", "energy", "sram_write_pj_per_bit"),
    "noc.clock": ("noc", "clock_ghz"),
    "noc.flit": ("noc", "flit_bits"),
    "noc.hop_latency": ("noc", "hop_cycles"),
    "noc.hop_energy": ("noc", "hop_energy_pj_per_bit"),
}
_LINK: Mapping[str, str] = {
    "bandwidth": "bits_per_ns",
    "latency": "latency_ns",
    "energy": "energy_pj_per_bit",
    "idle_power": "idle_mw",
}


def with_scaled(system: System, key: str, factor: float) -> System:
    """The system with one constant multiplied, everywhere it is used.

    Args:
        system: Any loaded system.
        key: Dotted key of one of `system.constants`.
        factor: What to multiply by, > 0. Whole numbers (lanes, bits, cycles) are
            rounded, and do not fall below 1 unless they were 0.

    Raises:
        ValueError: The system has no such constant, or the factor is not a finite number > 0.

    Example:
        >>> from axonal.hardware import load
        >>> with_scaled(load("quad_chiplet"), "links.ucie.energy", 2).links[0].energy_pj_per_bit
        1.0
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"factor for {key} is {factor}, must be finite and > 0")
    keys = [constant.key for constant in system.constants]
    if key not in keys:
        raise ValueError(f"system {system.name} has no constant {key!r}{did_you_mean(key, keys)}")
    constants = tuple(
        replace(item, text=f"{item.text} x {factor:g}") if item.key == key else item for item in system.constants
    )
    return replace(_scaled(system, key, factor), constants=constants)


def _scaled(system: System, key: str, factor: float) -> System:
    match key.split("."):
        case ["packet_header"]:
            return _multiplied(system, ("packet_header_bits",), factor)
        case ["dies", die, *rest] if ".".join(rest) in _CHIP:
            path = _CHIP[".".join(rest)]
            chips = (_multiplied(chip, path, factor) if chip.die == die else chip for chip in system.chips)
            return replace(system, chips=tuple(chips))
        case ["links", kind, name] if name in _LINK:
            links = (_multiplied(link, (_LINK[name],), factor) if link.kind == kind else link for link in system.links)
            return replace(system, links=tuple(links))
    raise ValueError(f"constant {key!r} has no place in a system: load the system from a file")


def _multiplied(value: T, path: tuple[str, ...], factor: float) -> T:
    """The value with the field at the end of the path multiplied."""
    name, *rest = path
    old = getattr(value, name)
    if rest:
        return replace(value, **{name: _multiplied(old, tuple(rest), factor)})
    new = max(1, round(old * factor)) if isinstance(old, int) and old else old * factor
    return replace(value, **{name: new})
