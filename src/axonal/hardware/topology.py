"""Mistakes of how the chips of a file stand and are joined.

These checks read the bare tree and pass over whatever is malformed, so that
they find their mistakes beside those of the single entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from axonal.hardware.document import Document, Place, Tree
from axonal.hardware.package import grid_of, grid_places, neighbours
from axonal.hardware.problem import did_you_mean

__all__ = ["Fault", "faults"]

Fault = tuple[Place, str]
_Ends = tuple[Place, str, str]
_Entries = Mapping[Place, Mapping[str, Tree]]


@dataclass(frozen=True, kw_only=True)
class _Chips:
    """The chips as far as they can be made out.

    Args:
        dies: Name of the die, by where it stands.
        uses: How many names of dies there should be.
        names: Where the chip of that name is written.
        at: Where in the package it is; empty unless that is known of all chips.
        taken: Mistakes of names and places.
        complete: Whether each chip has a name of its own.
    """

    dies: Mapping[Place, str]
    uses: int
    names: Mapping[str, Place]
    at: Mapping[str, tuple[int, int]]
    taken: tuple[Fault, ...] = ()
    complete: bool


def faults(document: Document) -> list[Fault]:
    """Unknown dies, names or places taken twice, links that join nothing, chips that no link reaches."""
    chips = _chips(document)
    if chips is None:
        return []
    found = [*_dies(document, chips.dies, chips.uses), *chips.taken]
    # Without a name for each chip, what the links name cannot be judged.
    if not chips.complete:
        return found
    pairs = list(_pairs(document.at(("links",)), chips.at))
    links = [(place, *pair) for place, pair in pairs if pair]
    found += dict.fromkeys(_joints(document, links, set(chips.names)))
    # A mistake above may hide a link: only without one is a chip out of reach a mistake of its own.
    return found if found or len(links) < len(pairs) else [*_unreached(chips.names, links)]


def _chips(document: Document) -> _Chips | None:
    tree = document.at(("chips",))
    if isinstance(tree, dict):
        return _grid(tree)
    return _list(document, tree) if isinstance(tree, list) else None


def _grid(tree: Mapping[str, Tree]) -> _Chips:
    die = tree.get("die")
    try:
        at = grid_places(*grid_of(tree.get("grid")))
    except ValueError:
        at = {}
    names: dict[str, Place] = dict.fromkeys(at, ("chips",))
    dies: dict[Place, str] = {("chips", "die"): die} if isinstance(die, str) else {}
    return _Chips(dies=dies, uses=1, names=names, at=at, complete=bool(at))


def _list(document: Document, tree: list[Tree]) -> _Chips:
    entries: _Entries = {("chips", index): chip for index, chip in enumerate(tree) if isinstance(chip, dict)}
    names, positions = _texts(entries, "name"), _positions(entries)
    at = {name: place for key, name in names.items() if (place := _numbers(positions.get((*key[:2], "at"), "")))}
    return _Chips(
        dies=_texts(entries, "die"),
        uses=len(tree),
        names={name: place for place, name in names.items()},
        at=at if len(at) == len(tree) else {},
        taken=(*_taken(document, names), *_taken(document, positions)),
        complete=len(set(names.values())) == len(tree),
    )


def _texts(entries: _Entries, key: str) -> dict[Place, str]:
    return {(*place, key): text for place, entry in entries.items() if isinstance(text := entry.get(key), str)}


def _positions(entries: _Entries) -> dict[Place, str]:
    places = {(*place, "at"): entry.get("at") for place, entry in entries.items()}
    return {place: ", ".join(map(_canonical, at)) for place, at in places.items() if isinstance(at, list)}


def _canonical(number: Tree) -> str:
    return str(int(number)) if isinstance(number, str) and number.isdecimal() else str(number)


def _numbers(position: str) -> tuple[int, int] | None:
    column, _, row = position.partition(", ")
    return (int(column), int(row)) if column.isdecimal() and row.isdecimal() else None


def _pairs(tree: Tree, at: Mapping[str, tuple[int, int]]) -> Iterator[tuple[Place, tuple[str, str] | None]]:
    """Every entry of a `between`, None for what is no pair."""
    for kind, link in tree.items() if isinstance(tree, dict) else ():
        pairs = link.get("between") if isinstance(link, dict) else None
        if pairs == "neighbours" and at:
            yield from ((("links", kind, "between"), pair) for pair in neighbours(at))
            continue
        for index, pair in enumerate(pairs if isinstance(pairs, list) and pairs else [None]):
            ends = [end for end in pair if isinstance(end, str)] if isinstance(pair, list) and len(pair) == 2 else []
            yield ("links", kind, "between", index), (ends[0], ends[1]) if len(ends) == 2 else None


def _dies(document: Document, wanted: Mapping[Place, str], chips: int) -> Iterator[Fault]:
    dies = document.at(("dies",))
    if not isinstance(dies, dict):
        return
    unknown = {place: die for place, die in wanted.items() if die not in dies}
    for place, die in unknown.items():
        yield place, f"there is no such die{did_you_mean(die, dies) or '; dies: ' + ', '.join(dies)}"
    # A misspelt or missing use leaves its die unused: that is one mistake, not two.
    if unknown or len(wanted) != chips:
        return
    used = set(wanted.values())
    for die in [name for name in dies if name not in used]:
        yield ("dies", die), f"no chip uses this die: place a chip with `die: {die}` or remove it"


def _taken(document: Document, labels: Mapping[Place, str]) -> Iterator[Fault]:
    first: dict[str, Place] = {}
    for place, label in labels.items():
        earlier = first.setdefault(label, place)
        if earlier != place:
            yield place, f"is taken by the chip on line {document.line(earlier)}: give each chip its own"


def _joints(document: Document, links: Iterable[_Ends], names: set[str]) -> Iterator[Fault]:
    first: dict[frozenset[str], Place] = {}
    for place, a, b in links:
        for end in [end for end in (a, b) if end not in names]:
            yield place, f"there is no chip {end!r}{did_you_mean(end, sorted(names))}"
        if a == b:
            yield place, "joins a chip to itself: name two different chips"
            continue
        earlier = first.setdefault(frozenset((a, b)), place)
        if earlier != place:
            yield place, f"the link on line {document.line(earlier)} already joins these chips: remove one"


def _unreached(names: Mapping[str, Place], links: Iterable[_Ends]) -> Iterator[Fault]:
    near: dict[str, set[str]] = {name: set() for name in names}
    for _, a, b in links:
        near[a].add(b)
        near[b].add(a)
    start = next(iter(near), "")
    reached, front = {start}, {start} & near.keys()
    while front:
        front = set(chain.from_iterable(near[name] for name in front)) - reached
        reached |= front
    left = [name for name in names if name not in reached]
    if left:
        chips = ", ".join(left[:8]) + (f" and {len(left) - 8} more" if len(left) > 8 else "")
        yield names[left[0]], f"no links lead from {start} to {chips}: add a pair to `between` of a link"
