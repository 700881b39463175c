"""Where synthetic traffic goes: a `Pattern` gives each packet of a source its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.packets import Ints

__all__ = ["Drawn", "Fixed", "Pattern", "hotspot", "named", "uniform", "weights"]

Floats = NDArray[np.float64]


class Pattern(Protocol):
    """Where packets go on a grid of `columns * rows` nodes, node n = x + columns * y."""

    @property
    def name(self) -> str:
        """As it is written on the command line."""

    @property
    def nodes(self) -> int:
        """Nodes of the grid."""

    def targets(self, sources: Ints, generator: np.random.Generator) -> Ints:
        """A target for each of some packets."""

    def shares(self) -> Floats:
        """Share of the packets of each source (row) that goes to each target (column); rows add up to 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fixed:
    """Every source has one target.

    Args:
        name: As it is written on the command line.
        target: Target of each source, shape `(nodes,)`.
    """

    name: str
    target: Ints = field(repr=False)

    @property
    def nodes(self) -> int:
        """Nodes of the grid."""
        return len(self.target)

    def targets(self, sources: Ints, generator: np.random.Generator) -> Ints:
        """A target for each of some packets; nothing is drawn."""
        del generator
        return self.target[sources]

    def shares(self) -> Floats:
        """Share of the packets of each source that goes to each target."""
        return np.asarray(np.eye(self.nodes)[self.target])


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """All sources draw their targets, themselves included, with the same weights.

    Args:
        name: As it is written on the command line.
        weight: Weight of each node as a target, shape `(nodes,)`.
    """

    name: str
    weight: Floats = field(repr=False)

    @property
    def nodes(self) -> int:
        """Nodes of the grid."""
        return len(self.weight)

    def targets(self, sources: Ints, generator: np.random.Generator) -> Ints:
        """A target for each of some packets."""
        ends = np.cumsum(self.weight)
        drawn = generator.random(len(sources)) * ends[-1]
        last = np.flatnonzero(self.weight)[-1]  # rounding may lead beyond the end
        return np.asarray(np.minimum(np.searchsorted(ends, drawn, side="right"), last), np.int64)

    def shares(self) -> Floats:
        """Share of the packets of each source that goes to each target."""
        return np.tile(self.weight / self.weight.sum(), (self.nodes, 1))


def uniform(columns: int, rows: int) -> Drawn:
    """Every node is as likely a target as any other."""
    return Drawn(name="uniform", weight=np.ones(columns * rows))


def hotspot(columns: int, rows: int, spots: tuple[int, ...]) -> Drawn:
    """All traffic goes to some nodes, with equal probability.

    Raises:
        ValueError: A node is outside of the grid, or given twice.
    """
    name = f"hotspot:{','.join(map(str, spots))}"
    weight = np.zeros(columns * rows)
    weight[_distinct(name, columns, rows, spots)] = 1
    return Drawn(name=name, weight=weight)


def weights(columns: int, rows: int, heavy: dict[int, float]) -> Drawn:
    """Some nodes are drawn more (or less) often than the others, which have weight 1.

    Raises:
        ValueError: A node is outside of the grid, or a weight is negative, or nothing is left to be drawn.
    """
    name = f"weights:{','.join(f'{node}={value:g}' for node, value in heavy.items())}"
    weight = np.ones(columns * rows)
    weight[_distinct(name, columns, rows, tuple(heavy))] = list(heavy.values())
    if not (np.isfinite(weight).all() and weight.min() >= 0 and weight.sum() > 0):
        raise ValueError(f"traffic {name} has a weight outside of 0 to infinity, or only zeros: give weights above 0")
    return Drawn(name=name, weight=weight)


def named(name: str, columns: int, rows: int) -> Fixed:
    """A permutation: `transpose`, `neighbor`, `bitcomp` or `tornado`.

    Raises:
        ValueError: The grid is not one for it.
    """
    node = np.arange(columns * rows)
    return Fixed(name=name, target=PERMUTATIONS[name](node % columns, node // columns, columns, rows))


def _distinct(name: str, columns: int, rows: int, nodes: tuple[int, ...]) -> list[int]:
    last = columns * rows - 1
    for node in nodes:
        if not 0 <= node <= last:
            raise ValueError(
                f"traffic {name} names node {node}, must be 0 to {last} on a {columns}x{rows} mesh (node = x + "
                f"{columns} * y): name a node inside, or enlarge the mesh"
            )
    if len(set(nodes)) < len(nodes):
        raise ValueError(f"traffic {name} names a node twice, must be different ones: remove one")
    return list(nodes)


def _transpose(x: Ints, y: Ints, columns: int, rows: int) -> Ints:
    if columns != rows:
        raise ValueError(
            f"traffic transpose sends from (x, y) to (y, x), and the mesh is {columns}x{rows}, must be square: "
            "choose a square mesh or another pattern"
        )
    return y + columns * x


def _neighbor(x: Ints, y: Ints, columns: int, rows: int) -> Ints:
    return (x + 1) % columns + columns * ((y + 1) % rows)


def _bitcomp(x: Ints, y: Ints, columns: int, rows: int) -> Ints:
    return columns * rows - 1 - (x + columns * y)


def _tornado(x: Ints, y: Ints, columns: int, rows: int) -> Ints:
    """Almost half of the way around each dimension: ceil(k / 2) - 1 steps (Dally and Towles, 2004)."""
    return (x + (columns + 1) // 2 - 1) % columns + columns * ((y + (rows + 1) // 2 - 1) % rows)


PERMUTATIONS: dict[str, Callable[[Ints, Ints, int, int], Ints]] = {
    "transpose": _transpose,
    "neighbor": _neighbor,
    "bitcomp": _bitcomp,
    "tornado": _tornado,
}
