"""Lay a workload on a system: layers to dies (`partition`), tiles of layers to cores (`place`)."""

from axonal.mapping.infeasible import Infeasible
from axonal.mapping.partitioning import partition
from axonal.mapping.parts import Partition
from axonal.mapping.placement import Placement, Tile
from axonal.mapping.placing import place

__all__ = ["Infeasible", "Partition", "Placement", "Tile", "partition", "place"]
