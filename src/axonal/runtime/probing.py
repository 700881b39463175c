"""The door `probe`: what a link, the codecs and this machine do, as one value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar, get_type_hints

from axonal.runtime.probe_link import LinkProbe, loopback, measure_link
from axonal.runtime.probe_machine import CodecSpeed, Machine, codec_speeds, machine, macs_per_ns

__all__ = ["Probe", "probe"]

SCHEMA = "axonal-probe-1"

T = TypeVar("T", LinkProbe, Machine, CodecSpeed)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was measured.

    Args:
        link: The link.
        machine: This machine.
        macs_per_ns: 32-bit multiply-accumulates of one thread.
        macs_per_ns_all: Of all threads.
        codecs: Speed of each codec, on one thread.
    """

    link: LinkProbe
    machine: Machine
    macs_per_ns: float
    macs_per_ns_all: float
    codecs: tuple[CodecSpeed, ...] = ()

    def __post_init__(self) -> None:
        for name in ("macs_per_ns", "macs_per_ns_all"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}, must be finite and > 0: probe again")

    @property
    def rate_bits_per_ns(self) -> float:
        """The slower direction of the link (= Gb/s)."""
        return min(self.link.rate_bits_per_ns, self.link.back_bits_per_ns)

    @property
    def round_trip_ns(self) -> float:
        """Median round trip of the link."""
        return self.link.round_trip_ns

    @property
    def source(self) -> str:
        """What stands as the source of a number that this probe measured."""
        return f"measured by axonal probe on {self.machine.date} with {self.link.peer}"

    def at(self, rate_bits_per_ns: float) -> Probe:
        """The same with a link of another rate, for asking what would be; its name says so."""
        link = replace(
            self.link,
            peer=f"rate supposed, round trip that of {self.link.peer}",
            loopback=False,
            rate_bits_per_ns=rate_bits_per_ns,
            back_bits_per_ns=rate_bits_per_ns,
        )
        return replace(self, link=link)

    def to_json(self) -> str:
        """The probe as JSON text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Probe:
        """The probe that `to_json` wrote.

        Raises:
            ValueError: It is none, or a field is missing, unknown or no such value.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ValueError(f"not a probe, for it is no JSON ({error}): run `axonal probe --out FILE`") from error
        if not isinstance(data, dict) or data.pop("schema", None) != SCHEMA:
            raise ValueError(f"not a probe, which has the schema {SCHEMA!r}: run `axonal probe --out FILE`")
        _expect("probe", data, {field.name for field in fields(cls)})
        codecs = data["codecs"]
        if not isinstance(codecs, list):
            raise ValueError(f"codecs is {codecs!r}, must be a list: run `axonal probe` again")
        return cls(
            link=_part(LinkProbe, "link", data["link"]),
            machine=_part(Machine, "machine", data["machine"]),
            macs_per_ns=_number("macs_per_ns", data["macs_per_ns"]),
            macs_per_ns_all=_number("macs_per_ns_all", data["macs_per_ns_all"]),
            codecs=tuple(_part(CodecSpeed, f"codecs[{place}]", item) for place, item in enumerate(codecs)),
        )


def probe(address: str | None = None, *, seconds: float = 1.0, timeout_s: float = 30.0, codecs: bool = True) -> Probe:
    """Measure a link, this machine, and what its codecs take.

    Args:
        address: `host:port` where `axonal probe --listen` runs; the process itself when not given.
        seconds: How long to measure the rates of the link.
        timeout_s: Longest time for the link.
        codecs: Whether codecs are measured.

    Raises:
        PeerLost: Nobody listens there.
        PeerTimeout: The link took too long.
        Refused: Something else listens there.
    """
    found = machine()
    return Probe(
        link=measure_link(address, seconds=seconds, timeout_s=timeout_s)
        if address is not None
        else loopback(seconds=seconds, timeout_s=timeout_s),
        machine=found,
        macs_per_ns=macs_per_ns(1),
        macs_per_ns_all=macs_per_ns(found.threads),
        codecs=codec_speeds() if codecs else (),
    )


def _expect(where: str, data: Mapping[str, Any], wanted: set[str]) -> None:
    if missing := sorted(wanted - set(data)):
        raise ValueError(f"{where} lacks {', '.join(missing)}: run `axonal probe` again")
    if strange := sorted(set(data) - wanted):
        raise ValueError(f"{where} has {', '.join(strange)}, which no probe has: run `axonal probe` again")


def _part(kind: type[T], where: str, data: Any) -> T:
    if not isinstance(data, dict):
        raise ValueError(f"{where} is {data!r}, must be an object: run `axonal probe` again")
    hints = get_type_hints(kind)
    _expect(where, data, set(hints))
    return kind(**{name: _value(f"{where}.{name}", data[name], hint) for name, hint in hints.items()})


def _value(where: str, value: Any, hint: type) -> Any:
    if hint is float:
        return _number(where, value)
    if type(value) is not hint:
        raise ValueError(f"{where} is {value!r}, must be of type {hint.__name__}: run `axonal probe` again")
    return value


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} is {value!r}, must be a number: run `axonal probe` again")
    return float(value)
