"""Pictures of schedules; matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsched import checks
from jaxsched._core.compose import join_schedules
from jaxsched._core.operand import schedule_like
from jaxsched._core.schedule import Schedule
from jaxsched._tools.inspect import describe, evaluate, known, run_length, turns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 2000
# Colours that colour-blind readers can tell apart (Okabe and Ito), and a dash for those who see none.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#E69F00", "#56B4E9")
LONG_NAME = 24
"""Characters of the longest name in a legend that stands among the curves."""
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def pyplot(name: str) -> Any:
    """Matplotlib's pyplot, or a message that says what is missing."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(f"{name} needs matplotlib: pip install 'jaxsched[plot]'") from None
    return pyplot


def plot(
    schedules: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]],
    steps: int,
    *,
    ax: Axes | None = None,
    log: bool = False,
    phases: bool = True,
) -> Axes:
    """Draws one schedule or several over a run.

    The pieces of a single joined schedule (warmup, decay, ...) are shaded and named. Up to two thousand
    steps at even distances are drawn, and those around every boundary.

    Args:
      schedules: a schedule or another callable from step to value, or a mapping from name to schedule.
      steps: the number of updates in the run.
      ax: the matplotlib axes to draw in; new ones without.
      log: whether the value's axis is logarithmic. Values that are not positive are then left out.
      phases: whether to shade the pieces of a joined schedule, if it is drawn alone.

    Returns:
      The axes. ``axes.figure.savefig("lr.png")`` saves the picture.

    Raises:
      ImportError: matplotlib is not installed.
      TypeError: an argument is of the wrong type.
      ValueError: there is no schedule, or ``steps`` is out of bounds.

    Example:
      >>> import jaxsched
      >>> import matplotlib
      >>> matplotlib.use("Agg")
      >>> cosine = jaxsched.cosine_decay_schedule(0.1, 900)
      >>> axes = jaxsched.plot({"cosine": cosine, "twice": cosine * 2}, steps=1000)
      >>> [line.get_label() for line in axes.get_lines()]
      ['cosine', 'twice']
      >>> matplotlib.pyplot.close(axes.figure)
    """
    steps = run_length(steps, "plot: steps")
    log, phases = checks.flag(log, "plot: log"), checks.flag(phases, "plot: phases")
    if isinstance(schedules, Mapping):
        if not schedules:
            raise ValueError("plot: schedules must be at least one schedule, got {}")
        named = {str(k): schedule_like(v, f"plot: schedules[{k!r}]") for k, v in schedules.items()}
    else:
        if not callable(schedules):
            allowed = (
                "a schedule or another callable from step to value, or of several a mapping from name to "
                "each, {'warmup': schedule, ...}"
            )
            raise checks.refuse("plot: schedules", allowed, schedules, TypeError)
        named = {describe(schedules): schedule_like(schedules, "plot: schedules")}
    plt = pyplot("plot")
    # A wide legend has no free place among the curves. Axes that were given have no free place below.
    below = ax is None and len(named) > 1 and max(map(len, named)) > LONG_NAME
    if ax is None:
        height = 3.6 + (0.2 * len(named) if below else 0.0)
        _, ax = plt.subplots(figsize=(7, height), layout="constrained")
    assert ax is not None
    for i, (name, schedule) in enumerate(named.items()):
        at, values = curve(schedule, steps)
        values = np.where(values > 0, values, np.nan) if log else values
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i % len(DASHES)]}
        ax.plot(at, values, label=name, linewidth=1.8, **look)
    if log:
        ax.set_yscale("log")
    elif np.all(np.asarray(ax.get_lines()[-1].get_ydata()) >= 0):
        ax.set_ylim(bottom=min(0.0, ax.dataLim.y0))
    ax.set(xlabel="step", ylabel="value", xlim=(-0.01 * steps, 1.01 * steps))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    if below:
        under = {"loc": "upper left", "bbox_to_anchor": (0, 0), "borderaxespad": 4.5, "fontsize": 9}
        ax.legend(frameon=False, handlelength=3, **under)
    elif len(named) > 1:
        ax.legend(frameon=False, handlelength=3)
    elif phases:
        shade(ax, pieces(next(iter(named.values())), steps), steps)
    if not isinstance(schedules, Mapping):
        title = describe(schedules)
        ax.set_title(title if len(title) < 60 else title.split("(")[0], fontsize=10)
    return ax


def curve(schedule: Schedule, steps: int, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """The steps to draw a schedule at, those around its boundaries among them, and its values."""
    bends = [t + d for t in turns(schedule, steps)[:points] for d in (-1, 0)]
    at = np.concatenate([np.linspace(0, steps - 1, min(points, steps)), bends]).astype(np.int64)
    at = np.unique(np.clip(at, 0, steps - 1))
    return at, evaluate(schedule, at)


def pieces(schedule: Schedule, steps: int) -> list[tuple[int, int, str]]:
    """The pieces of a joined schedule within a run: begin, end and name; one if it is not joined."""
    while schedule._form.recipe:
        schedule = schedule._composed()
    if schedule.factory is join_schedules:
        ends = [known(b) for b in schedule.boundaries]
        if None not in ends:
            bounds = [0, *(min(e or 0, steps) for e in ends), steps]
            names = [s._form.name.removesuffix("_schedule") for s in schedule.schedules]
            spans = zip(bounds[:-1], bounds[1:], names, strict=True)
            return [span for span in spans if span[0] < span[1]]
    return [(0, steps, "")]


def shade(ax: Axes, spans: list[tuple[int, int, str]], steps: int) -> None:
    """A band of grey for every second piece, and its name at the top where there is room for it."""
    if len(spans) < 2:
        return
    for i, (begin, end, name) in enumerate(spans):
        if i % 2 == 0:
            ax.axvspan(begin, end, color="#000000", alpha=0.06, linewidth=0)
        else:
            ax.axvline(begin, color="#000000", alpha=0.2, linewidth=0.8)
        if end - begin > 0.022 * steps * max(len(name), 4):
            middle = (begin + end) / 2
            transform = ax.get_xaxis_transform()
            words = name.replace("_", " ")
            where = {"transform": transform, "ha": "center", "va": "top", "fontsize": 8}
            ax.text(middle, 0.985, words, color="#555555", **where)
    low, high = ax.get_ylim()
    if ax.get_yscale() == "linear":
        ax.set_ylim(low, high + 0.06 * (high - low))  # room for the names
