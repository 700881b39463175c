"""A system with one of its constants scaled, for asking how much that constant matters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from axonal.hardware.problem import did_you_mean
from axonal.hardware.system import Noc, System

__all__ = ["updated", "with_scaled"]

T = TypeVar("T", bound=Any)
Change: TypeAlias = Callable[[float], float]

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
    "core.neuron_update_energy": ("core", "energy", "neuron_update_pj"),
    "core.spike_energy": ("core", "energy", "spike_pj"),
    "core.packet_energy": ("core", "energy", "packet_pj"),
    "noc.clock": ("noc", "clock_ghz"),
    "noc.flit": ("noc", "flit_bits"),
    "noc.hop_latency": ("noc", "hop_cycles"),
    "noc.hop_energy": ("noc", "router_energy_pj_per_bit"),
    "noc.router_energy": ("noc", "router_energy_pj_per_bit"),
    "noc.wire_energy": ("noc", "wire_energy_pj_per_bit"),
    "noc.router.vcs": ("noc", "router", "vcs"),
    "noc.router.buffer": ("noc", "router", "buffer_flits"),
    "noc.router.routing": ("noc", "router", "routing_cycles"),
    "noc.router.vc_allocation": ("noc", "router", "vc_allocation_cycles"),
    "noc.router.switch_allocation": ("noc", "router", "switch_allocation_cycles"),
    "noc.router.traversal": ("noc", "router", "traversal_cycles"),
    "noc.router.link": ("noc", "router", "link_cycles"),
    "noc.router.credit_delay": ("noc", "router", "credit_cycles"),
    "noc.router.leakage": ("noc", "router", "leakage_mw"),
}
_LINK: Mapping[str, str] = {
    "bandwidth": "bits_per_ns",
    "latency": "latency_ns",
    "energy": "energy_pj_per_bit",
    "idle_power": "idle_mw",
    "serialiser_energy": "serialiser_pj_per_bit",
    "buffer": "buffer_flits",
    "ports": "ports",
}


def with_scaled(system: System, key: str, factor: float) -> System:
    """The system with one constant multiplied, everywhere it is used.

    Args:
        system: Any loaded system.
        key: Dotted key of one of `system.constants`.
        factor: What to multiply by, > 0. Whole numbers (lanes, bits, cycles) are
            rounded, and do not fall below 1 unless they were 0. The latency of a hop and the
            stages of its router follow each other.

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
    return replace(updated(system, key, lambda old: _multiplied(old, factor)), constants=constants)


def updated(system: System, key: str, change: Change) -> System:
    """The system with the numbers of one constant changed, everywhere it is used.

    Raises:
        ValueError: No number of a system belongs to such a key.
    """
    match key.split("."):
        case ["packet_header"]:
            return _changed(system, ("packet_header_bits",), change)
        case ["dies", die, *rest] if ".".join(rest) in _CHIP:
            path = _CHIP[".".join(rest)]
            chips = (_changed(chip, path, change) if chip.die == die else chip for chip in system.chips)
            return replace(system, chips=tuple(chips))
        case ["links", kind, name] if name in _LINK:
            links = (_changed(link, (_LINK[name],), change) if link.kind == kind else link for link in system.links)
            return replace(system, links=tuple(links))
    raise ValueError(f"constant {key!r} has no place in a system: load the system from a file")


def _multiplied(old: float, factor: float) -> float:
    return max(1, round(old * factor)) if isinstance(old, int) and old else old * factor


def _changed(value: T, path: tuple[str, ...], change: Change) -> T:
    """The value with the field at the end of the path changed."""
    name, *rest = path
    old = getattr(value, name)
    new: Any = _changed(old, tuple(rest), change) if rest else change(old)
    if isinstance(value, Noc) and name == "hop_cycles":
        return replace(value, hop_cycles=new, router=value.router.lasting(new))
    if isinstance(value, Noc) and name == "router":
        return replace(value, hop_cycles=new.hop_cycles, router=new)
    return replace(value, **{name: new})
