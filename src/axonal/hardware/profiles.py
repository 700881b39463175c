"""Other published values for some energies of a system, and the system with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from axonal.hardware.document import Document, Place, dotted
from axonal.hardware.places import limits_at
from axonal.hardware.problem import did_you_mean
from axonal.hardware.quantity import ENERGY, ENERGY_PER_BIT, POWER
from axonal.hardware.scaling import updated
from axonal.hardware.system import Constant, Profile, System

__all__ = ["constants", "profile_faults", "profiles_of", "with_profile"]

_PRICES = (ENERGY, ENERGY_PER_BIT, POWER)
"""What may differ: it changes what an inference costs, and neither what moves nor when."""


@lru_cache(maxsize=64)
def with_profile(system: System, name: str) -> System:
    """The system at the constants of one of its profiles; it has no profiles any more.

    Args:
        system: Any loaded system.
        name: Name of one of `system.profiles`.

    Raises:
        ValueError: The system has no such profile.

    Example:
        >>> from axonal.hardware import load
        >>> system = load("quad_chiplet")
        >>> with_profile(system, system.profiles[0].name).profiles
        ()
    """
    known = {profile.name: profile for profile in system.profiles}
    if name not in known:
        names = f"; profiles: {', '.join(known)}" if known else ": it has none"
        raise ValueError(f"system {system.name} has no profile {name!r}{did_you_mean(name, known) or names}")
    profile = known[name]
    given = {constant.key: constant for constant in profile.constants}
    result = replace(
        system, profiles=(), constants=tuple(given.get(constant.key, constant) for constant in system.constants)
    )
    for key, number in profile.values:
        result = updated(result, key, lambda _, number=number: number)  # type: ignore[misc]
    return result


def constants(document: Document) -> tuple[Constant, ...]:
    """Every quantity of the file outside its profiles."""
    return tuple(
        Constant(key=key, text=str(item["value"]), source=" ".join(str(item["source"]).split()))
        for key, place, item in document.quantities()
        if place[0] != "profiles"
    )


def profiles_of(document: Document) -> tuple[Profile, ...]:
    """The profiles of a document without mistakes."""
    places = _places(document)
    found: dict[str, list[tuple[Constant, float]]] = {}
    for name, key, _, item in _alternatives(document):
        constant = Constant(key=key, text=str(item["value"]), source=" ".join(str(item["source"]).split()))
        limits = limits_at(places[key])
        found.setdefault(name, []).append((constant, limits.read(item["value"]) if limits else 0.0))
    return tuple(
        Profile(
            name=name,
            values=tuple((constant.key, number) for constant, number in items),
            constants=tuple(constant for constant, _ in items),
        )
        for name, items in found.items()
    )


def profile_faults(document: Document) -> Iterator[tuple[Place, str]]:
    """Keys that are no constant of the file or no energy, and values that are no such quantity."""
    places = _places(document)
    for _, key, place, item in _alternatives(document):
        if key not in places:
            yield place, f"the file has no such constant{did_you_mean(key, places)}"
            continue
        limits = limits_at(places[key])
        if limits is None:
            continue
        if limits.dimension not in _PRICES:
            yield place, f"is {limits.dimension.noun}: only energies and powers may differ between profiles"
            continue
        try:
            limits.read(item["value"])
        except ValueError as error:
            yield place, str(error)


def _places(document: Document) -> dict[str, Place]:
    return {key: place for key, place, _ in document.quantities() if place[0] != "profiles"}


def _alternatives(document: Document) -> Iterator[tuple[str, str, Place, dict[str, object]]]:
    """Profile, key of the constant, place and content of each alternative."""
    for _, place, item in document.quantities():
        if place[0] == "profiles" and len(place) > 2:
            yield str(place[1]), dotted(place[2:]), place, dict(item)
