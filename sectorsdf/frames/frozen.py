"""Read-only dicts and lists that cost nothing to copy.

pandas deep-copies `DataFrame.attrs` in almost every step. A value that cannot change needs no copy,
so a provenance with thousands of problems slows no step down. Both classes are a `dict` and a
`list` for JSON, `==` and `isinstance`.
"""

from __future__ import annotations

from typing import Any, Never, Self

__all__ = ["FrozenDict", "FrozenList", "freeze"]


class _Frozen:
    """Refuses every change, and is its own copy."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_keywords: object) -> Never:
        message = (
            'The provenance in frame.attrs["sectorsdf"] is read-only, because derived frames share '
            'it. Change a copy of your own: copy = dict(frame.attrs["sectorsdf"]).'
        )
        raise TypeError(message)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    __setitem__ = __delitem__ = __ior__ = __iadd__ = __imul__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
    append = extend = insert = remove = reverse = sort = _refuse


class FrozenDict(_Frozen, dict[str, Any]):
    """A read-only dict."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(_Frozen, list[Any]):
    """A read-only list."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


def freeze(value: Any) -> Any:  # noqa: ANN401
    """Return a value of JSON with its dicts and lists made read-only."""
    if isinstance(value, _Frozen):
        return value
    if isinstance(value, dict):
        return FrozenDict({name: freeze(item) for name, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList(map(freeze, value))
    return value
