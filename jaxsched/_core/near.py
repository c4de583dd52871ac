"""What was probably meant by a name that is unknown."""

from __future__ import annotations

from collections.abc import Iterable

_ENDINGS = ("", "_schedule", "_decay", "_decay_schedule")
"""What may be left out of a schedule's name."""


def close_names(name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.45) -> list[str]:
    """The known names that resemble this one, the likeliest first.

    Before all others are those that this one begins, also where they are much longer: who writes half
    of a name has not misspelt it. First of them is the one of which it is all but the ending.

    Args:
      name: what was written.
      known: what could have been.
      most: how many names there may be.
      cutoff: how much must be alike in the others, from 0 to 1.
    """
    import difflib  # only what is wrong pays for it

    if len(name) > 100:  # the comparison takes time in proportion to both lengths
        return []
    known = list(known)
    stems: dict[str, str] = {}
    for ending in _ENDINGS:
        for other in known:
            stems.setdefault(other.removesuffix(ending), other)
    begun = [other for other in known if len(name) > 2 and other.startswith(name)]
    begun.sort(key=lambda other: (other != stems.get(name), len(other)))
    similar = difflib.get_close_matches(name, stems, n=most * len(_ENDINGS), cutoff=cutoff)
    return list(dict.fromkeys([*begun, *(stems[stem] for stem in similar)]))[:most]


def near_matches(name: str, known: Iterable[str]) -> str:
    """Up to three known names that resemble this one, in words; empty if there is none."""
    return " or ".join(map(repr, close_names(name, known)))


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """What to add to a message about an unknown name; empty where no other resembles it."""
    near = near_matches(name, names)
    return f"; did you mean {near}?" if near else ""
