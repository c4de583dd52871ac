"""Host functions of formulas, and what is written for them."""

from __future__ import annotations

import pytest

from jaxsched._core import host
from jaxsched._core.host import host_function


def function_of(formula, *values):
    return host_function(formula, values, "a test")


def sources(action) -> list[str]:
    """What is written while something is done."""
    found = []

    def keep(source, *rest):
        found.append(source)
        return compile(source, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "compile", keep, raising=False)
        action()
    return found


def source_of(formula) -> str:
    """What is written for a formula."""
    return sources(lambda: function_of(formula))[0]


def squared(t):
    """An expression that needs a variable."""
    part = t + 1.0
    return part * part


def chain(t, count):
    for _ in range(count):
        t = t + 1.0
    return t
