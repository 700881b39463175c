"""The page `docs/capabilities.md`, made of the declared claims and of the committed results."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from claims import AREAS, Capability
from figures import ABSENT, Results, provenance

__all__ = ["missing_proofs", "page"]


def missing_proofs(root: Path, areas: Mapping[str, Iterable[Capability]] = AREAS) -> list[str]:
    """Proofs that do not exist in the checkout."""
    proofs = (proof for capabilities in areas.values() for item in capabilities for proof in item.proofs)
    return [proof for proof in dict.fromkeys(proofs) if not _exists(root, proof)]


def _exists(root: Path, proof: str) -> bool:
    path, separator, name = proof.partition("::")
    return name in _functions(root / path) if separator else (root / path).is_dir()


@lru_cache
def _functions(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def page(root: Path, results: Results, areas: Mapping[str, Iterable[Capability]] = AREAS) -> str:
    """The page, from the list and the results.

    Args:
        root: The checkout, in which the proofs are looked up.
        results: The committed results.
        areas: The list.

    Raises:
        ValueError: A proof does not exist.
    """
    if missing := missing_proofs(root, areas):
        raise ValueError(f"capabilities without proof, there is no {', no '.join(missing)}: correct claims.py")
    return "\n".join(_lines(root, results, areas)) + "\n"


def _lines(root: Path, results: Results, areas: Mapping[str, Iterable[Capability]]) -> Iterator[str]:
    yield "# Capabilities"
    yield ""
    yield "What Axonal does, the test or experiment that proves it, and the figure that was measured. This page is made"
    yield "by `experiments/compare/collect.py` from a list and the committed results; a test holds it to them."
    for area, capabilities in areas.items():
        yield from ("", f"## {area}", "", "| capability | proved by | measured |", "|---|---|---|")
        for item in capabilities:
            yield f"| {item.claim} | {_proofs(item)} | {_measured(item, root, results)} |"
    if results:
        yield from ("", provenance(results))


def _proofs(item: Capability) -> str:
    return "<br>".join(_proof(proof) for proof in item.proofs)


def _proof(proof: str) -> str:
    path, _, name = proof.partition("::")
    return f"`{name}` in `{path}`" if name else f"`{path}`"


def _measured(item: Capability, root: Path, results: Results) -> str:
    if item.evidence is not None:
        return item.evidence(root)
    if item.figure is None:
        return ""
    return "<br>".join(f"{name}: {item.figure(result)}" for name, result in results.items()) or ABSENT
