"""The range of a quantity, as an annotation that pydantic reads and checks by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from axonal.hardware.quantity import Dimension, read

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A dimension and the numbers that are allowed in it, in the unit of the code.

    Args:
        dimension: What is measured.
        low: Smallest number.
        high: Largest number.
        above: Whether `low` itself is refused.
    """

    dimension: Dimension
    low: float
    high: float
    above: bool = False

    def read(self, text: object) -> float:
        """The number that the text stands for; ValueError when it is no such quantity or out of range."""
        if not isinstance(text, str):
            raise ValueError(f"needs a value; write for example `{self.dimension.example}`")
        number = read(text, self.dimension)
        if number < self.low or (self.above and number == self.low):
            raise ValueError(f"must be {'>' if self.above else '>='} {self.dimension.write(self.low)}")
        if number > self.high:
            raise ValueError(f"must be <= {self.dimension.write(self.high)}")
        return number

    def __str__(self) -> str:
        low = f"{'> ' if self.above else ''}{self.dimension.write(self.low)}"
        return f"{low} to {self.dimension.write(self.high)}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read the text with `read`."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the text for an editor, which cannot convert units but knows their spelling."""
        description = f"{self.dimension.noun}, {self}"
        if not self.dimension.scale:
            return {"type": "integer", "minimum": self.low, "maximum": self.high, "description": description}
        units = "|".join(self.dimension.scale)
        pattern = rf"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*({units})\s*$"
        return {"type": "string", "pattern": pattern, "examples": [self.dimension.example], "description": description}
