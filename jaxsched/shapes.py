"""Unit shapes: how a transition gets from 1 to 0.

Any of them serves in any transition, warmup, decay, cooldown and cycle::

    transition_schedule(1.0, 0.1, 1000, shape=shapes.cosine())

Each formula is in s, the elapsed share of the transition, from 0 to 1, and r = 1 - s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.per_piece import is_concrete, lift
from jaxsched._core.progress import Warped
from jaxsched._core.shape import Shape as Shape
from jaxsched._core.shape import shape, shape_like
from jaxsched._core.wave import wave

__all__ = [
    "Shape", "cosine", "cosine_waves", "exponential", "harmonic", "inverse_power", "inverse_sigmoid",
    "inverse_sqrt", "linear", "logarithmic", "mirror_cosine", "power", "rex", "table", "tanh", "warped",
]  # fmt: skip


@shape(symmetric=True, scaled=lambda progress, *how: progress.remaining_to(*how))
def linear(progress: Any) -> Any:
    """A straight line: r.

    Example:
      >>> import jaxsched
      >>> jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.linear())(1)
      0.75
    """
    return progress.remaining


@shape(
    exponent=checks.nonnegative,
    complement=lambda progress, exponent: progress.reverse().remaining_of_power(exponent),
    scaled=lambda *how: _power_from(*how),
)
def power(progress: Any, exponent: float) -> Any:
    """R ** exponent: steepest at the start for exponents above 1.

    Args:
      exponent: at least 0. With 0 the weight stays 1.

    Example:
      >>> import jaxsched
      >>> jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.power(2))(2)
      0.25
    """
    return nx.power(progress.remaining, exponent)


def _power_from(progress: Any, goal: Any, bounded: bool, exponent: Any) -> Any:
    """Goal * r ** exponent; a line has the goal in its slope, and a square in its root."""
    if nx.is_plain(exponent) and exponent == 1:
        return progress.remaining_to(goal, bounded)
    if nx.is_plain(exponent) and exponent == 2:
        return progress.remaining_squared_to(goal)
    return goal * nx.power(progress.remaining, exponent)


@shape(
    exponent=checks.positive,
    complement=lambda progress, exponent: nx.power(progress.elapsed, exponent),
    scaled=lambda progress, *how: progress.remaining_of_power_to(*how),
)
def inverse_power(progress: Any, exponent: float) -> Any:
    """1 - s ** exponent: "1-sqrt" with exponent 0.5, "1-square" with 2.

    Args:
      exponent: above 0.

    Source: Haegele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
    Durations", 2024 (arXiv:2405.18392).

    Example:
      >>> import jaxsched
      >>> jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.inverse_power(0.5))(1)
      0.5
    """
    return progress.remaining_of_power(exponent)


def _cosine_rise(progress: Any, exponent: Any) -> Any:
    sine = nx.sin(progress.elapsed_times(math.pi / 2))
    if nx.is_plain(exponent) and exponent == 1:
        return sine * sine
    rest = nx.sin(progress.remaining_times(math.pi / 2))
    return nx.one_minus_power(sine * sine, rest * rest, exponent)


@shape(
    exponent=checks.nonnegative,
    complement=_cosine_rise,
    symmetric_if=lambda exponent: nx.is_plain(exponent) and exponent == 1,
)
def cosine(progress: Any, exponent: float = 1.0) -> Any:
    """Half a cosine wave: ((1 + cos(pi s)) / 2) ** exponent.

    Args:
      exponent: at least 0; above 1 it falls earlier.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.cosine())
      >>> round(schedule(1), 4)
      0.8536
    """
    # As sin(pi/2 r) ** (2 exponent): the cosine is near -1 at the end, where adding 1 leaves no digits.
    sine = nx.sin(progress.remaining_times(math.pi / 2))
    return nx.power(sine, nx.exact(exponent) * 2.0)


@shape(symmetric=True, pinned="both", clamped="", waves=checks.positive_steps)
def cosine_waves(progress: Any, waves: int = 2) -> Any:
    """Several cosine waves, the last of which ends at 0: (1 + cos(2 pi (waves - 1/2) s)) / 2.

    Args:
      waves: how many times it falls, at least 1; between two falls it rises to 1 again. With 1 it is
        :func:`cosine`.

    Source: ``get_cosine_schedule_with_warmup(num_cycles=...)`` of transformers.

    Example:
      >>> import jaxsched
      >>> way = jaxsched.shapes.cosine_waves(2)
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 6, shape=way)
      >>> [round(schedule(step), 6) for step in (0, 2, 4, 6)]
      [1.0, 0.0, 1.0, 0.0]
    """
    periods = nx.exact(waves) - 0.5
    if not progress.is_counted:  # warped
        sine = nx.sin((progress.elapsed * periods - 0.5) * math.pi)
        return sine * sine
    return wave(progress, periods)


@shape(symmetric=True)
def mirror_cosine(progress: Any) -> Any:
    """The cosine's deviation from the straight line, mirrored: 2 r - (1 + cos(pi s)) / 2.

    Source: Haegele et al., 2024 (arXiv:2405.18392), code.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.mirror_cosine())
      >>> round(schedule(1), 4)
      0.6464
    """
    rest = progress.remaining  # which is then known
    sine = nx.sin(progress.remaining_times(math.pi / 2))
    return rest * 2.0 - sine * sine


def _rex_rise(progress: Any, beta: Any) -> Any:
    elapsed = progress.elapsed * nx.exact(beta)
    return elapsed / (elapsed + progress.remaining)


@shape(beta=checks.positive, complement=_rex_rise)
def rex(progress: Any, beta: float = 0.5) -> Any:
    """Reflected exponential: r / (r + beta s), that is r / (beta + (1 - beta) r).

    Args:
      beta: above 0; below 1 it falls late, above 1 early. The paper's value is 0.5.

    Source: Chen et al., "REX: Revisiting Budgeted Training with an Improved Schedule", 2022
    (arXiv:2107.04197).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.rex())
      >>> round(schedule(2), 4)
      0.6667
    """
    return progress.remaining / (progress.remaining + progress.elapsed * nx.exact(beta))


def _harmonic_rise(progress: Any, ratio: Any) -> Any:
    return progress.elapsed / (progress.elapsed + progress.remaining * nx.exact(ratio))


@shape(ratio=checks.positive, complement=_harmonic_rise)
def harmonic(progress: Any, ratio: float) -> Any:
    """Linear in the reciprocal of the value, where the end is `ratio` times the start.

    From v to ratio v it is 1 / (s / (ratio v) + r / v), the decay of WSD-S.

    Args:
      ratio: above 0: the end value divided by the start value.

    Source: Wen et al., "Understanding Warmup-Stable-Decay Learning Rates", 2024 (arXiv:2410.05192).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.1, 2, shape=jaxsched.shapes.harmonic(0.1))
      >>> round(schedule(1), 4)
      0.1818
    """
    remaining = progress.remaining * nx.exact(ratio)
    return remaining / (remaining + progress.elapsed)


def _inverse_sqrt_rise(progress: Any, alpha: Any) -> Any:
    end = nx.sqrt(nx.exact(alpha) + 1.0)
    here = nx.sqrt(progress.elapsed * nx.exact(alpha) + 1.0)
    return progress.elapsed * (end * (end + 1.0) / (here * (here + 1.0)))


@shape(alpha=checks.positive, complement=_inverse_sqrt_rise, pinned="both", clamped="top")
def inverse_sqrt(progress: Any, alpha: float = 10.0) -> Any:
    """One over a root, scaled to end at 0.

    (f(s) - f(1)) / (f(0) - f(1)) with f(s) = 1 / sqrt(1 + alpha s).

    Args:
      alpha: above 0; the larger, the earlier it falls.

    Source: Ibrahim et al., 2024 (arXiv:2403.08763), the cooldown of :func:`infinite_schedule`.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.inverse_sqrt(8.0))
      >>> [round(schedule(step), 4) for step in (0, 1, 3, 4)]
      [1.0, 0.366, 0.0669, 0.0]
    """
    # The differences brought to one fraction, where nothing cancels near the end.
    end = nx.sqrt(nx.exact(alpha) + 1.0)
    here = nx.sqrt(progress.elapsed * nx.exact(alpha) + 1.0)
    return progress.remaining * ((end + 1.0) / (here * (here + end)))


def _ratio(value: Any, where: str) -> Any:
    """A positive finite number other than 1."""
    checked = checks.positive(value, where)
    if nx.is_plain(checked) and checked == 1:
        raise checks.refuse(where, "a positive finite number other than 1", value)
    return checked


def _exponential_rise(progress: Any, ratio: Any) -> Any:
    ratio = nx.exact(ratio)
    return nx.expm1(progress.elapsed * nx.log(ratio)) / nx.num(ratio - 1.0)


@shape(ratio=_ratio, complement=_exponential_rise, pinned="both", clamped="top")
def exponential(progress: Any, ratio: float) -> Any:
    """An exponential, scaled to end at 0: (ratio ** s - ratio) / (1 - ratio).

    From v to ratio v it is v ratio ** s, linear in the logarithm. With ratio 0.5 it is Megatron's
    exponential decay, 2 * 0.5 ** s - 1.

    Args:
      ratio: above 0 and not 1: the end value divided by the start value.

    Example:
      >>> import jaxsched
      >>> shape = jaxsched.shapes.exponential(0.01)
      >>> round(jaxsched.transition_schedule(1.0, 0.01, 2, shape=shape)(1), 6)
      0.1
    """
    ratio = nx.exact(ratio)
    return nx.expm1(progress.remaining * -nx.log(ratio)) * (ratio / (1.0 - ratio))


def _finite_exp(x: Any, most: Any = math.inf) -> Any:
    """exp(x) for x of at most so much, which stops growing before it, or its gradient, overflows."""
    return nx.exp(x if nx.is_plain(most) and most <= 80 else nx.minimum(x, 80.0))


def _logistic(progress: Any, start: Any, end: Any, goal: Any) -> Any:
    """Goal / (1 + exp(x)) for x from `start` to `end`, near which the value may be small."""
    way = progress.remaining_times(end - start)
    most = max(start, end) if nx.is_plain(start) and nx.is_plain(end) else math.inf
    return goal / (_finite_exp(nx.num(end) - way, most) + 1.0)


def _doubled(x: Any, factor: float) -> Any:
    """An argument of tanh as one of the logistic function; one so large that their sums are finite."""
    x = nx.exact(x) * factor
    return lift(np.clip, x, -1e30, 1e30) if is_concrete(x) else lax.clamp(-1e30, x, 1e30)


def _tanh_rise(progress: Any, lower: Any, upper: Any) -> Any:
    return _logistic(progress.reverse(), _doubled(upper, -2.0), _doubled(lower, -2.0), 1.0)


def _tanh_fall(progress: Any, goal: Any, bounded: bool, lower: Any, upper: Any) -> Any:
    value = _logistic(progress, _doubled(lower, 2.0), _doubled(upper, 2.0), goal)
    return nx.where(progress.over, 0.0, value)


@shape(
    lower=checks.finite,
    upper=checks.finite,
    complement=_tanh_rise,
    pinned="end",
    clamped="",
    scaled=_tanh_fall,
)
def tanh(progress: Any, lower: float = -7.0, upper: float = 3.0) -> Any:
    """Hyperbolic tangent: (1 - tanh(lower r + upper s)) / 2, and 0 at the end.

    It starts at (1 - tanh(lower)) / 2, not at 1, and falls by (1 - tanh(upper)) / 2 at the end.

    Args:
      lower: the argument of tanh at the start.
      upper: the argument of tanh at the end.

    Source: Hsueh et al., "Stochastic Gradient Descent with Hyperbolic-Tangent Decay on
    Classification", 2019 (arXiv:1806.01593); timm's ``TanhLRScheduler``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 10, shape=jaxsched.shapes.tanh())
      >>> [round(schedule(step), 4) for step in (5, 7, 9, 10)]
      [0.982, 0.5, 0.018, 0.0]
    """
    return _logistic(progress, _doubled(lower, 2.0), _doubled(upper, 2.0), 1.0)


@shape(symmetric=True, pinned="both", clamped="top", steepness=checks.positive)
def inverse_sigmoid(progress: Any, steepness: float = 10.0) -> Any:
    """A logistic curve from 1 to 0, scaled to hit both.

    (f(s) - f(1)) / (f(0) - f(1)) with f(s) = 1 / (1 + exp(steepness (s - 1/2))).

    Args:
      steepness: above 0: four times the slope in the middle, before scaling.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 4, shape=jaxsched.shapes.inverse_sigmoid())
      >>> [round(schedule(step), 4) for step in (0, 1, 2, 3, 4)]
      [1.0, 0.9299, 0.5, 0.0701, 0.0]
    """
    # The difference f(s) - f(1) brought to one fraction, where nothing cancels near the end.
    k = nx.exact(steepness)
    logistic = _finite_exp((progress.elapsed - progress.remaining) * (k * 0.5)) + 1.0
    return nx.expm1(progress.remaining * -k) / (logistic * nx.expm1(k * -0.5))


@shape(pinned="both", complement=lambda progress: _logarithmic_rise(progress))
def logarithmic(progress: Any) -> Any:
    """Logarithmic in the steps done: 1 - log(t + 1) / log(T) for T steps, at least 0.

    As a warmup it rises fast at first, and is complete one step before the end.

    Source: DeepSpeed's ``WarmupLR`` with ``warmup_type="log"``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.transition_schedule(0.0, 1.0, 4, shape=jaxsched.shapes.logarithmic())
      >>> [schedule(step) for step in (0, 1, 3, 4)]
      [0.0, 0.5, 1.0, 1.0]
    """
    return 1.0 - _logarithmic_rise(progress)


def _logarithmic_rise(progress: Any) -> Any:
    if is_concrete(progress.length):
        length = lift(np.maximum, progress.length, 2)
    else:
        length = jnp.maximum(nx.real(progress.length), 2.0)
    return nx.log1p(nx.num(progress.count)) * (1.0 / nx.log(length * 1.0))


def _unit_table(value: Any, where: str) -> tuple[Any, ...]:
    """At least two finite numbers from 1 to 0."""
    numbers = checks.sequence_of(checks.fraction, "numbers from 1 to 0", at_least=2)(value, where)
    if nx.is_plain(numbers[0]) and nx.is_plain(numbers[-1]) and (numbers[0], numbers[-1]) != (1, 0):
        raise checks.refuse(where, "numbers of which the first is 1 and the last 0", list(numbers))
    return numbers


def _table_rise(progress: Any, values: Any) -> Any:
    return nx.interpolate(
        [1.0 - nx.exact(v) for v in values], progress.elapsed_times(len(values) - 1.0)
    )


@shape(values=_unit_table, complement=_table_rise, pinned="both")
def table(progress: Any, values: Sequence[float]) -> Any:
    """Straight lines through given values at equal distances.

    Args:
      values: two or more numbers, the first 1 and the last 0.

    Example:
      >>> import jaxsched
      >>> shape = jaxsched.shapes.table([1.0, 0.25, 0.0])
      >>> jaxsched.transition_schedule(1.0, 0.0, 4, shape=shape)(1)
      0.625
    """
    # Read from the end, where the values are small.
    return nx.interpolate(list(values[::-1]), progress.remaining_times(len(values) - 1.0))


@shape(
    shape=shape_like,
    exponent=checks.positive,
    complement=lambda progress, shape, exponent: shape._form.rise(
        Warped(progress, exponent), *shape._values
    ),
)
def warped(progress: Any, shape: Shape, exponent: ArrayLike) -> Any:
    """Another shape at s ** exponent in the place of s: k-decay.

    Args:
      shape: the shape to warp.
      exponent: above 0; above 1 it starts later.

    Source: Zhang and Li, "k-decay: A New Method for Learning Rate Schedule", 2020
    (arXiv:2004.05909).

    Example:
      >>> import jaxsched
      >>> shape = jaxsched.shapes.warped(jaxsched.shapes.cosine(), 1.5)
      >>> round(jaxsched.transition_schedule(1.0, 0.0, 10, shape=shape)(5), 4)
      0.722
    """
    form: Any = shape._form
    return form.fall(Warped(progress, exponent), *shape._values)
