"""A drawing of a schedule in characters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsched import checks
from jaxsched._core.operand import schedule_like
from jaxsched._tools.inspect import run_length, sample

BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN = "  ...:::#"


def sketch(
    schedule: Callable[[Any], Any],
    steps: int,
    *,
    width: int = 72,
    height: int = 10,
    log: bool = False,
    ascii_only: bool = False,
) -> str:
    """A drawing of a schedule over a run in characters, for a terminal or a log.

    A column is as high as the largest value among its steps.

    Args:
      schedule: a schedule, or another callable from step to value.
      steps: the number of updates in the run.
      width: columns of the drawing, from 8 on, the scale on its left not counted.
      height: its lines, from 2 on.
      log: whether the scale is logarithmic. Values that are not positive are then left out.
      ascii_only: whether to draw in ASCII instead of Unicode's block characters.

    Returns:
      The text, in lines.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an argument is out of bounds.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.linear_schedule(0.0, 1.0, 10) * 0.1
      >>> print(jaxsched.sketch(schedule, steps=24, width=24, height=3))
            0.1 |       ▁▃▆██████████████
                |    ▂▄▆█████████████████
              0 | ▂▅▇████████████████████
                 0                     23
    """
    name = "sketch"
    subject = schedule_like(schedule, f"{name}: schedule")
    steps = run_length(steps, f"{name}: steps")
    width = checks.Number(integer=True, minimum=8)(width, f"{name}: width")
    height = checks.Number(integer=True, minimum=2)(height, f"{name}: height")
    log, ascii_only = (
        checks.flag(log, f"{name}: log"),
        checks.flag(ascii_only, f"{name}: ascii_only"),
    )
    width = min(width, steps)
    at, values = sample(subject, steps)
    heights = np.full(width, -math.inf)
    shown = np.isfinite(values) & ((values > 0) | (not log))
    np.maximum.at(heights, (at * width // steps)[shown], values[shown])
    for column in np.flatnonzero(np.isneginf(heights)):  # a hole in the samples of a long run
        if column and not (log or np.isneginf(heights[column - 1])):
            heights[column] = heights[column - 1]
    drawn = heights[np.isfinite(heights)]
    if not len(drawn):
        return f"nothing to draw: no {'positive' if log else 'finite'} value"
    top, bottom = float(drawn.max()), float(drawn.min())
    if log:
        bottom = 10.0 ** math.floor(math.log10(bottom) - 1e-9)
        share = np.log(np.maximum(heights, bottom) / bottom) / math.log(max(top / bottom, 10.0))
    else:
        top, bottom = max(top, 0.0), min(bottom, 0.0)
        share = (np.maximum(heights, bottom) - bottom) / ((top - bottom) or 1.0)
    share = np.where(np.isfinite(heights), share, 0.0)
    eighths = np.where(share > 0, np.maximum(np.rint(share * height * 8), 1), 0).astype(int)
    letters = PLAIN if ascii_only else BLOCKS
    lines = []
    for row in range(height - 1, -1, -1):
        label = f"{top:.4g}" if row == height - 1 else f"{bottom:.4g}" if row == 0 else ""
        cells = "".join(letters[k] for k in np.clip(eighths - 8 * row, 0, 8))
        lines.append(f"{label:>9} |{cells}".rstrip())
    end = str(steps - 1)
    return "\n".join([*lines, " " * 11 + ("0" + end.rjust(width - 1) if width > len(end) else "0")])
