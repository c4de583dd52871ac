"""How many examples hypothesis tries.

As a part of the tests few, and the same in every run. With a factor many, and new ones in every run; the
limit on a test's time must go then:

    JAXSCHED_EXAMPLES=100 pytest --timeout=0 FILES

CONTRIBUTING.md names the files, and a factor for each.
"""

from __future__ import annotations

import os

from hypothesis import given, settings


def budget(examples: int, **others) -> settings:
    """Settings for so many examples, or the multiple of them that the environment asks for."""
    factor = int(os.environ.get("JAXSCHED_EXAMPLES", "1"))
    if factor < 1:
        raise ValueError(f"JAXSCHED_EXAMPLES must be a positive integer, got {factor}")
    return settings(
        max_examples=examples * factor, deadline=None, derandomize=factor == 1, **others
    )


def budgeted(examples: int):
    """hypothesis's `given` with the budget of so many examples."""
    return lambda *strategies: lambda test: budget(examples)(given(*strategies)(test))
