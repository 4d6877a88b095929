"""Errors for unknown attributes of a handle and its parts that name the nearest attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar


class AttributeHints:
    """A base class whose ``AttributeError`` names the nearest attribute, also of its parts: ``state.add_patient``."""

    _parts: ClassVar[Mapping[str, type]] = {}
    """The class of each attribute whose own attributes are named too."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            problem = f"{type(self).__name__!r} object has no attribute {name!r}"
            # Tools ask for private names to find out what an object can do.
            raise AttributeError(problem if name.startswith("_") else f"{problem}; {self._hint(name)}")

    def _hint(self, name: str) -> str:
        from mock_heidi.base.wording import near_names

        inner = {one: f"{part}.{one}" for part, kind in self._parts.items() for one in _public(kind)}
        paths = {**inner, **{one: one for one in _public(self)}}
        near = near_names(name, paths, 1)
        return f"did you mean {paths[near[0]]}?" if near else f"it has {', '.join(_public(self))}"


def _public(value: object) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]
