"""Which model describes a place of a system file."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from axonal.hardware.document import Place
from axonal.hardware.limits import Limits
from axonal.hardware.schema import SystemEntry

__all__ = ["limits_at", "model_at"]


def model_at(place: Place) -> type[BaseModel] | None:
    """The model that describes a place of the file."""
    annotation: Any = SystemEntry
    for part in place:
        annotation = next(filter(None, (_inside(form, part) for form in _forms(annotation))), None)
    return next((form for form in _forms(annotation) if _is_model(form)), None)


def limits_at(place: Place) -> Limits | None:
    """The range of the quantity at a place of the file."""
    model = model_at(place)
    field = model.model_fields.get("value") if model else None
    return next((item for item in field.metadata if isinstance(item, Limits)), None) if field else None


def _forms(annotation: Any) -> list[Any]:
    """The annotation, or all forms that an entry may take."""
    if get_origin(annotation) is Annotated:
        return _forms(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [form for option in get_args(annotation) for form in _forms(option)]
    return [annotation]


def _is_model(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, BaseModel)


def _inside(form: Any, part: str | int) -> Any:
    if _is_model(form):
        field = form.model_fields.get(str(part))
        return field.annotation if field else None
    wanted = {dict: str, list: int}.get(get_origin(form))
    return get_args(form)[-1] if wanted and isinstance(part, wanted) else None
