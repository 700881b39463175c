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

from axonal.wire.addresses import AddressCodec
from axonal.wire.bound import entropy_bound_bits
from axonal.wire.burst import Burst
from axonal.wire.channelwise import RangeCodec
from axonal.wire.codec import Codec, Floats
from axonal.wire.codecs import CODECS, codec, codec_by_number
from axonal.wire.entropy import Ranged
from axonal.wire.fitting import chosen_contexts, fitted
from axonal.wire.formats import AddressEvent, Bitmap, Dense, Format, Packer, pack, unpack
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame
from axonal.wire.gaps import GapCodec
from axonal.wire.integers import DenseCodec
from axonal.wire.largest import TopKCodec
from axonal.wire.message import MESSAGE_BYTES, Message, MessageKind, layout_hash
from axonal.wire.rounding import Bfloat16Codec, Float16Codec, Float32Codec
from axonal.wire.scaling import Int4Codec, Int8Codec
from axonal.wire.sizing import bits, cheapest, packetised_bits
from axonal.wire.symbols import MAX_LEVELS, BitmapCodec
from axonal.wire.tables import PRECISION_BITS, Contexts, quantised
from axonal.wire.zipped import ZippedCodec

__all__ = [
    "CODECS",
    "HEADER_BITS",
    "MAX_ELEMENTS",
    "MAX_LEVELS",
    "MESSAGE_BYTES",
    "PRECISION_BITS",
    "AddressCodec",
    "AddressEvent",
    "Bfloat16Codec",
    "Bitmap",
    "BitmapCodec",
    "Burst",
    "Codec",
    "Contexts",
    "CorruptFrame",
    "Dense",
    "DenseCodec",
    "Float16Codec",
    "Float32Codec",
    "Floats",
    "Format",
    "GapCodec",
    "Int4Codec",
    "Int8Codec",
    "Message",
    "MessageKind",
    "Packer",
    "RangeCodec",
    "Ranged",
    "TopKCodec",
    "ZippedCodec",
    "bits",
    "cheapest",
    "chosen_contexts",
    "codec",
    "codec_by_number",
    "entropy_bound_bits",
    "fitted",
    "layout_hash",
    "pack",
    "packetised_bits",
    "quantised",
    "unpack",
]
