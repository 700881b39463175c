"""Packet formats: how many bits a tensor needs on a link, and the bytes themselves.

One definition answers both questions: a simulator asks `bits`, a runtime calls
`pack` and `unpack`, and the length of a packed frame is the number of bits asked
for, rounded up to a byte.

Example:
    >>> import numpy as np
    >>> fmt = AddressEvent(group=128, value_bits=2)
    >>> symbols = np.zeros((4, 128), dtype=np.int8)
    >>> symbols[2, 7] = 3
    >>> frame = fmt.pack(symbols)
    >>> fmt.bits(elements=512, events=1), len(frame)
    (105.0, 14)
    >>> bool((fmt.unpack(frame, elements=512) == symbols.ravel()).all())
    True
"""

from axonal.wire.formats import AddressEvent, Bitmap, Dense, Format, pack, unpack
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame
from axonal.wire.sizing import bits, cheapest, packetised_bits

__all__ = [
    "HEADER_BITS",
    "MAX_ELEMENTS",
    "AddressEvent",
    "Bitmap",
    "CorruptFrame",
    "Dense",
    "Format",
    "bits",
    "cheapest",
    "pack",
    "packetised_bits",
    "unpack",
]
