"""The analytical engine: closed forms and one pass of list scheduling."""

from __future__ import annotations

from dataclasses import dataclass

from axonal.hardware import System
from axonal.mapping import Placement
from axonal.report import Report
from axonal.simulation.counts import counted
from axonal.simulation.energy import energy, profiles
from axonal.simulation.loads import link_loads, port_busy_ns
from axonal.simulation.portals import regular
from axonal.simulation.results import boundary_bits, busiest
from axonal.simulation.schedule import pace, schedule
from axonal.simulation.transfers import transfers
from axonal.workload import Workload

__all__ = ["Analytical"]


_ROOMY = 2.0
"""Flits a cycle that the virtual channels of a port could carry if they were wires; with less, they hold back a tensor
or keep several from passing each other."""


@dataclass(frozen=True, kw_only=True)
class Analytical:
    """Closed forms for energy and loads, list scheduling for time: channels and links serve tensors one by one."""

    def run(self, workload: Workload, placement: Placement, system: System) -> Report:
        """Cost of one inference.

        throughput = 1e9 / busy time of the busiest core, port of a core, channel or link direction, in inferences a
        second

        Raises:
            ValueError: Nothing is computed or moved, or traffic runs between dies without links.
        """
        pending = transfers(workload, placement, system)
        loads = link_loads(pending, system)
        timeline = schedule(workload, placement, system, pending)
        boundaries = boundary_bits(pending, system.packet_header_bits)
        counts = counted(pending, placement, timeline.latency_ns)
        notes = _notes(system)
        bottleneck, busy_ns = busiest(timeline.spans, port_busy_ns(pending, system), loads)
        return Report(
            latency_ns=timeline.latency_ns,
            throughput_per_s=1e9 / busy_ns,
            link_bits_packed=sum(item.packed_bits * item.link_hops for item in boundaries),
            link_bits_packetised=sum(item.packetised_bits * item.link_hops for item in boundaries),
            energy=energy(workload, placement, system, counts, pending),
            boundaries=boundaries,
            links=loads,
            timeline=timeline.spans,
            bottleneck=bottleneck,
            profiles=profiles(workload, placement, system, counts, pending),
            notes=notes,
            valid=not notes,
        )


def _notes(system: System) -> tuple[str, ...]:
    """Where the closed forms leave the described machine."""
    nocs = [chip.noc for chip in system.chips]
    notes = []
    if any(noc.topology != "mesh" for noc in nocs):
        notes.append("the analytical engine sends nothing over the closing channels of a torus")
    if any(noc.routing != "xy" for noc in nocs):
        notes.append("the analytical engine routes along the row first, whatever the system says")
    if not regular(system):
        notes.append("the analytical engine leads what leaves a die through one gateway of each side")
    slow = [chip.name for chip in system.chips if pace(chip.noc.router, 1) * chip.noc.router.vcs < _ROOMY]
    if slow:
        notes.append(
            f"buffers or virtual channels of {', '.join(slow)} hold channels back, which the analytical engine "
            "knows only roughly"
        )
    if any(link.buffer_flits is not None for link in system.links):
        notes.append("the analytical engine takes it that the buffers of links cover their credit loops")
    return tuple(notes)
