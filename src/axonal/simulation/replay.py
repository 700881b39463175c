"""Recorded symbols of one inference, for traffic that is as uneven in time and place as it really was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from axonal import wire
from axonal.workload import Traffic, Workload

__all__ = ["Replay"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay:
    """Symbols by the name of the tensor, as `tracing.record` gives them, of one inference.

    Args:
        symbols: For each tensor the symbols of one inference, shape `(elements,)`, time steps first.
    """

    symbols: Mapping[str, NDArray[np.generic]] = field(repr=False)

    def applied(self, workload: Workload) -> Workload:
        """The workload with the events that were recorded.

        Raises:
            ValueError: A tensor is unknown, is no event traffic, or has another size; a symbol is not finite.
        """
        known = {name for edge in workload.traffic if edge.symbols == "event" for name in edge.tensors}
        for name, values in self.symbols.items():
            if name not in known:
                these = ", ".join(sorted(known)) or "none"
                raise ValueError(f"symbols of {name!r} are recorded, must be of event traffic, one of: {these}")
            if not np.isfinite(np.asarray(values, np.float64)).all():
                raise ValueError(f"symbols of {name!r} hold a value that is not finite: record them again")
        return replace(workload, traffic=tuple(self._edge(edge) for edge in workload.traffic))

    def _edge(self, edge: Traffic) -> Traffic:
        found = self._recorded(edge)
        return edge if found is None else replace(edge, events=float(np.count_nonzero(found)))

    def parts(self, edge: Traffic, span: tuple[float, float], steps: int, bits: float) -> tuple[float, ...]:
        """Bits of a range of a tensor's neurons in each of some equal stretches of time.

        The bits of a frame with the events that were recorded, in proportion to the events of the range in each
        stretch; a dense tensor, and one that was not recorded, is spread evenly.

        Args:
            edge: The tensor.
            span: Start and end of the range, within [0, 1).
            steps: Number of stretches, 1 or the time steps of the tensor.
            bits: Bits of the whole tensor where it is spread evenly.

        Raises:
            ValueError: What was recorded does not have the size of the tensor.
        """
        start, end = span
        found = self._recorded(edge)
        if found is None or not found.any():
            size = bits if found is None else wire.cheapest(edge).bits(edge.elements, 0)
            return (size * (end - start) / steps,) * steps
        active = (found != 0).reshape(edge.time_steps, -1)
        neurons = active.shape[1]
        mine = active[:, round(start * neurons) : round(end * neurons)].sum(axis=1)
        events = int(active.sum())
        size = wire.cheapest(edge).bits(edge.elements, events)
        return tuple(float(size * count / events) for count in mine.reshape(steps, -1).sum(axis=1))

    def _recorded(self, edge: Traffic) -> NDArray[np.generic] | None:
        if edge.symbols != "event" or not all(name in self.symbols for name in edge.tensors):
            return None
        found = np.concatenate([np.asarray(self.symbols[name]).reshape(-1) for name in edge.tensors])
        if found.size != edge.elements:
            raise ValueError(
                f"traffic {edge.source} -> {edge.target}: {found.size} symbols are recorded, must be {edge.elements}: "
                "record one inference of the same model"
            )
        return found
