"""How many bits the traffic of a workload needs, and which format needs the fewest."""

from __future__ import annotations

from axonal.wire.formats import AddressEvent, Bitmap, Dense, Format
from axonal.workload import Traffic

__all__ = ["bits", "candidates", "cheapest", "packetised_bits"]


def bits(fmt: Format, traffic: Traffic) -> float:
    """Expected bits of one inference of a traffic as one frame of a format, header included."""
    return fmt.bits(traffic.elements, traffic.events)


def candidates(traffic: Traffic) -> tuple[Format, ...]:
    """The formats that can carry a traffic, each once, in order of preference at equal size.

    Raises:
        ValueError: No frame can carry the traffic (too many elements, or signed events without value bits).
    """
    dense = Dense(element_bits=traffic.element_bits, signed=traffic.signed)
    if traffic.symbols == "dense":
        return (dense,)
    bitmap = Bitmap(value_bits=traffic.value_bits, signed=traffic.signed)
    grouped, flat = (
        AddressEvent(group=group, value_bits=traffic.value_bits, signed=traffic.signed)
        for group in (traffic.group, traffic.elements)
    )
    # The highest symbol decides: two's complement always reaches one further below zero than above it.
    holds = bitmap.alphabet.high <= dense.alphabet.high
    sparse: tuple[Format, ...] = (bitmap, grouped) if grouped == flat else (bitmap, grouped, flat)
    return (dense, *sparse) if holds else sparse


def cheapest(traffic: Traffic) -> Format:
    """The format that carries a traffic in the fewest expected bits.

    Dense traffic has only one; event traffic is compared at its mean number of events.

    Raises:
        ValueError: No frame can carry the traffic.
    """
    return min(candidates(traffic), key=lambda fmt: bits(fmt, traffic))


def packetised_bits(traffic: Traffic, header_bits: int) -> float:
    """Bits of one inference when each value, or each event, travels in a packet of its own.

    Args:
        traffic: What moves.
        header_bits: Header of a packet, which carries the address.

    Raises:
        ValueError: `header_bits` is negative.
    """
    if header_bits < 0:
        raise ValueError(f"header_bits is {header_bits}, must be >= 0")
    if traffic.symbols == "dense":
        return float(traffic.elements * (header_bits + traffic.element_bits))
    return float(traffic.events * (header_bits + traffic.value_bits))
