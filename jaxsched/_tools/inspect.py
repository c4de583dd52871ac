"""What a schedule does over a run, in numbers, and what about it is probably a mistake."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxsched import checks
from jaxsched._core.compose import join_schedules
from jaxsched._core.frozen import FrozenDict
from jaxsched._core.operand import schedule_like
from jaxsched._core.schedule import Schedule

HOST = 2**15
"""Up to this many steps a plain schedule is read on the host, in float64."""
CHUNK = 2**18
"""Steps evaluated at once on the device."""
EVERY = 2**22
"""Up to this many steps each one is evaluated."""
SAMPLES = 2**18
"""Steps evaluated at even distances in a longer run."""
CLOSE = 64
"""The places of a longer run, of the greatest changes, at which every step is evaluated."""
NEAR = 3
"""Steps evaluated on both sides of a boundary."""

run_length = checks.Number(integer=True, minimum=1, maximum=2**31 - 1)
_untraceable = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a schedule does over a run; prints as a readable text.

    Attributes:
      schedule: the schedule's text form.
      steps: the length of the run: its updates are at steps 0 to ``steps - 1``.
      evaluated: how many of them were looked at.
      first: the value at step 0.
      peak: the largest value, first at ``peak_step``.
      peak_step: its step.
      lowest: the smallest value, first at ``lowest_step``.
      lowest_step: its step.
      final: the value at the last step.
      mean: the mean value.
      area: the sum of all values.
      largest_jump: the largest change from one step to the next, with its sign; of those that only
        rounding tells apart, the first.
      jump_step: the first step after it; 0 if there is none.
      trend: ``"constant"``, ``"falling"``, ``"rising"`` or ``"up and down"``.
      decay_factor: ``peak / final``; infinite if the final value is 0.
      warnings: what is probably a mistake, in sentences.
    """

    schedule: str
    steps: int
    evaluated: int
    first: float
    peak: float
    peak_step: int
    lowest: float
    lowest_step: int
    final: float
    mean: float
    area: float
    largest_jump: float
    jump_step: int
    trend: str
    decay_factor: float
    warnings: tuple[str, ...]

    @property
    def monotone(self) -> bool:
        """Whether the value never turns round."""
        return self.trend != "up and down"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**dataclasses.asdict(self), "warnings": list(self.warnings)}

    def __str__(self) -> str:
        rows = [
            ("first", self.first, "at step 0"),
            ("peak", self.peak, f"at step {self.peak_step}"),
            ("lowest", self.lowest, f"at step {self.lowest_step}"),
            (
                "final",
                self.final,
                f"at step {self.steps - 1}, the peak divided by {self.decay_factor:.4g}",
            ),
            ("mean", self.mean, ""),
            ("area", self.area, "the sum of all values"),
            ("jump", self.largest_jump, f"at step {self.jump_step}, the largest change in a step"),
        ]
        name = self.schedule if len(self.schedule) <= 200 else self.schedule[:197] + "..."
        lines = [name, f"{self.steps} steps, {self.trend}"]
        if self.evaluated < self.steps:
            lines[-1] += f" ({self.evaluated} of them evaluated)"
        lines += [f"  {name:<7} {value:<12.6g} {what}".rstrip() for name, value, what in rows]
        return "\n".join([*lines, *(f"warning: {w}" for w in self.warnings)])


def inspect(schedule: Callable[[Any], Any], steps: int) -> Inspection:
    """What a schedule does over a run: peak, mean, jumps, decay, and what is probably a mistake.

    Every step is evaluated in a run of up to four million. In a longer one a quarter of a million at
    even distances are, all those of the stretches between them where the value changes most or is extreme,
    and those around the boundaries of joined schedules, around lengths among the hyperparameters and
    at both ends. A jump elsewhere that is smaller than the change over such a stretch can be missed,
    and the mean takes the value to be linear between two steps evaluated.

    Warnings are about a jump (up by a tenth, or down by more than a factor of 10), a rate that is not
    finite, negative or 0, one that still rises at the end, a decay that ends well before or after the run,
    less than a hundredfold decay in a run of 10000 steps or more, and a start outside of 1e-7 to 10.

    Args:
      schedule: a schedule, or another callable from step to value.
      steps: the number of updates in the run, from 1 to 2**31 - 1.

    Returns:
      An :class:`Inspection`: its attributes are data, and it prints as a text.

    Raises:
      TypeError: ``schedule`` is no callable, or ``steps`` no number.
      ValueError: ``steps`` is out of bounds.

    Example:
      >>> import jaxsched
      >>> found = jaxsched.inspect(jaxsched.linear_schedule(0.0, 1.0, 1000), steps=100)
      >>> found.peak, found.peak_step
      (0.099, 99)
      >>> for warning in found.warnings:
      ...     print(warning)
      the rate still rises at the end: the warmup is longer than the run of 100 steps
    """
    subject = schedule_like(schedule, "inspect: schedule")
    steps = run_length(steps, "inspect: steps")
    at, values = sample(subject, steps)
    high, low = _argmax(values), _argmax(-values)
    changes = np.diff(values)
    jumps = np.where((np.diff(at) == 1) & np.isfinite(changes), np.abs(changes), 0.0)
    jump = _first_largest(jumps, values, len(at) <= HOST and subject.is_plain)
    gaps = np.diff(at, append=steps).astype(np.float64)
    slopes = np.append(changes / gaps[:-1], 0.0)
    with np.errstate(invalid="ignore"):  # infinite values
        area = float(np.sum(gaps * values + slopes * gaps * (gaps - 1) / 2))
    peak, final = float(values[high]), float(values[-1])
    from jaxsched._tools.mistakes import find_mistakes  # it evaluates schedules with this module

    return Inspection(
        schedule=describe(schedule),
        steps=steps,
        evaluated=len(at),
        first=float(values[0]),
        peak=peak,
        peak_step=int(at[high]),
        lowest=float(values[low]),
        lowest_step=int(at[low]),
        final=final,
        mean=area / steps,
        area=area,
        largest_jump=float(changes[jump]) if jump >= 0 else 0.0,
        jump_step=int(at[jump + 1]) if jump >= 0 else 0,
        trend=_trend(values),
        decay_factor=peak / final if final else math.inf if peak else 1.0,
        warnings=tuple(find_mistakes(subject, steps, at, values)),
    )


def describe(schedule: Any) -> str:
    """The text form of a schedule; of another callable its name."""
    if isinstance(schedule, Schedule):
        return repr(schedule)
    return getattr(schedule, "__qualname__", None) or repr(schedule)


def _argmax(values: np.ndarray) -> int:
    return int(np.argmax(np.where(np.isnan(values), -np.inf, values)))


def _first_largest(jumps: np.ndarray, values: np.ndarray, on_host: bool) -> int:
    """The first jump that is as large as the largest but for rounding; -1 if there is none.

    On a straight line all steps are alike, and rounding would pick one of them.
    """
    largest = np.max(jumps, initial=0.0)
    if largest == 0:
        return -1
    precision = np.float64 if on_host else jax.dtypes.canonicalize_dtype(np.float64)
    rounding = 4 * np.finfo(precision).eps * np.max(np.abs(values[np.isfinite(values)]))
    return int(np.argmax(jumps >= largest - min(rounding, 0.01 * largest)))


def _trend(values: np.ndarray) -> str:
    """Which way the values go; changes within float32 rounding do not count."""
    finite = values[np.isfinite(values)]
    changes = np.diff(finite)
    noise = 4e-7 * np.max(np.abs(finite), initial=0.0)
    rises, falls = np.any(changes > noise), np.any(changes < -noise)
    if not (rises or falls) and len(finite) and abs(finite[-1] - finite[0]) > 2 * noise:
        rises, falls = finite[-1] > finite[0], finite[-1] < finite[0]
    if rises and falls:
        return "up and down"
    return "rising" if rises else "falling" if falls else "constant"


def sample(schedule: Schedule, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps of a run in ascending order, first and last among them, and the values there."""
    if steps <= EVERY:
        at = np.arange(steps)
        return at, evaluate(schedule, at)
    coarse = np.linspace(0, steps - 1, SAMPLES).astype(np.int64)
    near = np.arange(-NEAR, NEAR + 1)
    around = np.add.outer([t for t in turns(schedule, steps) if t < steps] or [0], near).ravel()
    ends = np.arange(4096)
    at = np.sort(np.concatenate([coarse, around, ends, steps - 1 - ends]))
    at = at[(at >= 0) & (at < steps) & np.append(True, np.diff(at) > 0)]
    values = evaluate(schedule, at)
    changes = np.nan_to_num(np.abs(np.diff(values)))
    places = [*np.argsort(changes)[-CLOSE:]]
    places += [i for top in (_argmax(values), _argmax(-values)) for i in (top - 1, top)]
    wide = {int(i) for i in places if 0 <= i < len(changes) and at[i + 1] - at[i] > 1}
    if not wide:
        return at, values
    inside = np.concatenate([np.arange(at[i] + 1, at[i + 1]) for i in sorted(wide)])
    values = np.concatenate([values, evaluate(schedule, inside)])
    at = np.concatenate([at, inside])
    order = np.argsort(at)
    return at[order], values[order]


def evaluate(schedule: Schedule, at: np.ndarray) -> np.ndarray:
    """The values at some steps, in float64: read on the host if they are few, else on the device."""
    if len(at) <= HOST and schedule.is_plain:
        return np.array([float(schedule(step)) for step in at.tolist()])
    at = at.astype(jax.dtypes.canonicalize_dtype(np.int64))
    # One program for all chunks.
    function = jax.jit(schedule._on_device) if len(at) > CHUNK else schedule
    try:
        parts = []
        for begin in range(0, len(at), CHUNK):
            part = at[begin : begin + CHUNK]
            padded = np.pad(part, (0, CHUNK - len(part)), mode="edge") if len(at) > CHUNK else part
            parts.append(np.asarray(function(padded), np.float64)[: len(part)])
    except _untraceable:  # a callable in plain Python
        return np.array([float(schedule(step)) for step in at.tolist()])
    return np.concatenate(parts)


def turns(schedule: Any, steps: int) -> list[int]:
    """Steps at which a schedule may turn or jump: boundaries, and sums of the lengths it is given."""
    found: set[int] = set()
    _add_turns(schedule, 0, found)
    return sorted(t for t in found if 0 < t <= steps)


def _add_turns(schedule: Schedule, begin: int, found: set[int]) -> None:
    if schedule.factory is join_schedules:
        ends = [known(b) for b in schedule.boundaries]
        for piece, start in zip(schedule.schedules, [0, *ends], strict=True):
            if start is not None:
                found.add(begin + start)
                _add_turns(piece, begin + start, found)
        return
    if schedule._form.recipe:
        return _add_turns(schedule._composed(), begin, found)
    lengths: list[int] = []
    for value in schedule.hyperparameters.values():
        if isinstance(value, Schedule):
            _add_turns(value, begin, found)
        for item in value if isinstance(value, (tuple, FrozenDict)) else (value,):
            if isinstance(item, Schedule):
                _add_turns(item, begin, found)
            elif (number := known(item)) is not None:
                found.add(begin + number)
                if item is value:
                    lengths.append(number)
    for size in range(2, min(len(lengths), 4) + 1):
        found.update(begin + sum(some) for some in itertools.combinations(lengths, size))


def known(value: Any) -> int | None:
    """A whole number that is not traced, as a Python int."""
    if isinstance(value, bool) or checks.is_unknown(value):
        return None
    if isinstance(value, (int, np.integer)):
        return int(value)
    if (
        isinstance(value, (jax.Array, np.ndarray))
        and value.shape == ()
        and value.dtype.kind in "iu"
    ):
        return int(value)
    return None
