"""All codecs by name and by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from axonal.wire.addresses import AddressCodec
from axonal.wire.channelwise import RangeCodec
from axonal.wire.codec import Codec
from axonal.wire.gaps import GapCodec
from axonal.wire.integers import DenseCodec
from axonal.wire.largest import TopKCodec
from axonal.wire.rounding import Bfloat16Codec, Float16Codec, Float32Codec
from axonal.wire.scaling import Int4Codec, Int8Codec
from axonal.wire.symbols import BitmapCodec
from axonal.wire.zipped import ZippedCodec

__all__ = ["CODECS", "codec", "codec_by_number"]

_Maker = Callable[[int, bool, int], Codec]

_MAKERS: Mapping[str, _Maker] = {
    BitmapCodec.name: lambda levels, signed, _: BitmapCodec(levels=levels, signed=signed),
    AddressCodec.name: lambda levels, signed, channels: AddressCodec(levels=levels, signed=signed, channels=channels),
    DenseCodec.name: lambda levels, signed, _: DenseCodec(levels=levels, signed=signed),
    GapCodec.name: lambda levels, signed, _: GapCodec(levels=levels, signed=signed),
    ZippedCodec.name: lambda levels, signed, _: ZippedCodec(levels=levels, signed=signed),
    RangeCodec.name: lambda levels, signed, _: RangeCodec(levels=levels, signed=signed),
    Float32Codec.name: lambda *_: Float32Codec(),
    Float16Codec.name: lambda *_: Float16Codec(),
    Bfloat16Codec.name: lambda *_: Bfloat16Codec(),
    Int8Codec.name: lambda _, __, channels: Int8Codec(channels=channels),
    Int4Codec.name: lambda _, __, channels: Int4Codec(channels=channels),
    TopKCodec.name: lambda _, __, channels: TopKCodec(channels=channels),
}

CODECS = tuple(_MAKERS)
"""Names of all codecs, those of symbols first."""

_NUMBERS: Mapping[int, str] = {
    made.number: made.name
    for made in (
        BitmapCodec,
        AddressCodec,
        DenseCodec,
        GapCodec,
        ZippedCodec,
        RangeCodec,
        Float32Codec,
        Float16Codec,
        Bfloat16Codec,
        Int8Codec,
        Int4Codec,
        TopKCodec,
    )
}


def codec(name: str, *, levels: int, signed: bool, channels: int) -> Codec:
    """The codec of a name, for tensors of a kind.

    Args:
        name: One of `CODECS`.
        levels: Largest magnitude of a symbol, 1 to 127; those of floats ask for none.
        signed: Whether symbols may be negative.
        channels: Elements of a row.

    Raises:
        ValueError: There is no such name, or the codec does not carry such tensors.

    Example:
        >>> codec("gap", levels=3, signed=True, channels=128)
        GapCodec(levels=3, signed=True)
    """
    if name not in _MAKERS:
        raise ValueError(f"there is no codec {name!r}, must be one of {', '.join(CODECS)}")
    return _MAKERS[name](levels, signed, channels)


def codec_by_number(number: int, *, levels: int, signed: bool, channels: int) -> Codec:
    """The codec that a message names; arguments and errors as for `codec`."""
    if number not in _NUMBERS:
        raise ValueError(f"there is no codec number {number}, must be one of {', '.join(map(str, sorted(_NUMBERS)))}")
    return codec(_NUMBERS[number], levels=levels, signed=signed, channels=channels)
