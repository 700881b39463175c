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

from axonal.wire.burst import Burst
from axonal.wire.entropy import Ranged
from axonal.wire.fitting import chosen_contexts, fitted
from axonal.wire.formats import AddressEvent, Bitmap, Dense, Format, Packer, pack, unpack
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame
from axonal.wire.message import MESSAGE_BYTES, Message, MessageKind, layout_hash
from axonal.wire.sizing import bits, cheapest, packetised_bits
from axonal.wire.tables import PRECISION_BITS, Contexts, quantised

__all__ = [
    "HEADER_BITS",
    "MAX_ELEMENTS",
    "MESSAGE_BYTES",
    "PRECISION_BITS",
    "AddressEvent",
    "Bitmap",
    "Burst",
    "Contexts",
    "CorruptFrame",
    "Dense",
    "Format",
    "Message",
    "MessageKind",
    "Packer",
    "Ranged",
    "bits",
    "cheapest",
    "chosen_contexts",
    "fitted",
    "layout_hash",
    "pack",
    "packetised_bits",
    "quantised",
    "unpack",
]
