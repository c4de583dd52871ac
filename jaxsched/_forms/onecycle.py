"""One cycle up to a peak and down, far below where it started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from jaxsched import checks, shapes
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import own_recipe
from jaxsched._core.periods import share_of
from jaxsched._core.schedule import Schedule
from jaxsched._forms.knots import through_points
from jaxsched._forms.table import through

ArrayLike = jax.typing.ArrayLike


@own_recipe(
    checks.AtMost("pct_start", "pct_final"),
    transition_steps=checks.steps,
    peak_value=checks.finite,
    pct_start=checks.fraction,
    pct_final=checks.fraction,
    div_factor=checks.positive,
    final_div_factor=checks.positive,
)
def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: ArrayLike,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    r"""Three straight lines: up to the peak, back down, and on to a small final value.

    From :math:`P/d` at step 0 to the peak :math:`P` at :math:`\lfloor p_s T \rfloor`, back to
    :math:`P/d` at :math:`\lfloor p_f T \rfloor`, and to :math:`P/(d\,d_f)` at :math:`T`.

    Args:
      transition_steps: :math:`T`, the length of the cycle.
      peak_value: :math:`P`, the largest value.
      pct_start: :math:`p_s`, the fraction of the cycle at which the peak is reached.
      pct_final: :math:`p_f`, the fraction of the cycle at which the initial value is reached again.
      div_factor: :math:`d`, the peak divided by the initial value.
      final_div_factor: :math:`d_f`, the initial value divided by the final one.

    Returns:
      A :class:`Schedule`. With traced hyperparameters the boundaries are computed in float32 and
      can lie a step beside those of concrete ones.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a length is negative or not whole, a fraction not from 0 to 1 or ``pct_start`` above
        ``pct_final``, a divisor not positive, a value not finite.

    Source: ``optax.linear_onecycle_schedule``; Smith and Topin, "Super-Convergence", 2017
    (arXiv:1708.07120).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.linear_onecycle_schedule(100, peak_value=1.0)
      >>> [round(schedule(step), 6) for step in (0, 15, 30, 85, 100)]
      [0.04, 0.52, 1.0, 0.04, 4e-06]
    """
    low = peak_value / div_factor
    return through(
        "linear",
        [
            share_of(pct_start, transition_steps),
            share_of(pct_final, transition_steps),
            transition_steps,
        ],
        [low, peak_value, low, low / final_div_factor],
    )


@own_recipe(
    transition_steps=checks.steps,
    peak_value=checks.finite,
    pct_start=checks.fraction,
    div_factor=checks.positive,
    final_div_factor=checks.positive,
)
def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: ArrayLike,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    r"""Half a cosine wave up to the peak, and one down to a small final value.

    From :math:`P/d` at step 0 to the peak :math:`P` at :math:`\lfloor p_s T \rfloor`, and to
    :math:`P/(d\,d_f)` at :math:`T`.

    Args:
      transition_steps: :math:`T`, the length of the cycle.
      peak_value: :math:`P`, the largest value.
      pct_start: :math:`p_s`, the fraction of the cycle at which the peak is reached.
      div_factor: :math:`d`, the peak divided by the initial value.
      final_div_factor: :math:`d_f`, the initial value divided by the final one.

    Returns:
      A :class:`Schedule`. With traced hyperparameters the boundary is computed in float32 and can
      lie a step beside that of concrete ones.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a length is negative or not whole, a fraction not from 0 to 1, a divisor not
        positive, a value not finite.

    Source: ``optax.cosine_onecycle_schedule``; Smith and Topin, "Super-Convergence", 2017
    (arXiv:1708.07120).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.cosine_onecycle_schedule(100, peak_value=1.0)
      >>> [round(schedule(step), 6) for step in (0, 15, 30, 65, 100)]
      [0.04, 0.52, 1.0, 0.500002, 4e-06]
    """
    low = peak_value / div_factor
    return through(
        "cosine",
        [share_of(pct_start, transition_steps), transition_steps],
        [low, peak_value, low / final_div_factor],
    )


@checks.Relation
def _three_fit(arguments: Mapping[str, Any], where: str) -> None:
    """Two phases of the same length and a third need a first that is not above a half."""
    part = arguments["pct_start"]
    if arguments["three_phase"] and nx.is_plain(part) and part > 0.5:
        raise checks.refuse(f"{where}: pct_start", "at most 0.5 for three_phase=True", part)


@own_recipe(
    _three_fit,
    total_steps=checks.positive_steps,
    peak_value=checks.finite,
    pct_start=checks.fraction,
    anneal_strategy=checks.one_of("cos", "linear"),
    div_factor=checks.positive,
    final_div_factor=checks.positive,
    three_phase=checks.flag,
)
def torch_onecycle_schedule(
    total_steps: int,
    peak_value: ArrayLike,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    r"""One cycle as torch draws it, where the last of the steps has the final value.

    From :math:`P/d` at step 0 to the peak :math:`P` at :math:`p T - 1`, and to :math:`P/(d\,d_f)` at
    :math:`T - 1`. With three phases it is back at :math:`P/d` at :math:`2 p T - 2` in between. A turn
    may lie between two steps.

    Args:
      total_steps: :math:`T`, the number of steps, at least 1.
      peak_value: :math:`P`, the largest value.
      pct_start: :math:`p`, the fraction of the steps that rise.
      anneal_strategy: ``"cos"`` for half cosine waves, ``"linear"`` for straight lines.
      div_factor: :math:`d`, the peak divided by the initial value.
      final_div_factor: :math:`d_f`, the initial value divided by the final one.
      three_phase: whether the way down is as long as the way up, and a third phase follows.

    Returns:
      A :class:`Schedule`. After the last step, where torch raises, the final value is held. With
      ``pct_start=1`` the last step has the final value, where torch still has the peak.

    Raises:
      TypeError: an argument is not a number, or ``three_phase`` not a bool.
      ValueError: the length is not a positive integer, a fraction not from 0 to 1 or with three
        phases above 0.5, a divisor not positive, a value not finite, or the strategy unknown.

    Source: ``torch.optim.lr_scheduler.OneCycleLR``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.torch_onecycle_schedule(10, peak_value=1.0)
      >>> [round(schedule(step), 6) for step in (0, 1, 2, 5, 9)]
      [0.04, 0.52, 1.0, 0.611262, 4e-06]
    """
    low, rise = peak_value / div_factor, nx.exact(pct_start) * nx.exact(total_steps) - 1.0
    end = nx.exact(total_steps) - 1.0
    shape = shapes.cosine() if anneal_strategy == "cos" else shapes.linear()
    if three_phase:
        values = [low, peak_value, low, low / final_div_factor]
        return through_points([rise, rise * 2.0, end], values, shape)
    return through_points([rise, end], [low, peak_value, low / final_div_factor], shape)


@own_recipe(
    transition_steps=checks.steps,
    peak_value=checks.finite,
    pct_start=checks.fraction,
    div_factor=checks.positive,
    final_div_factor=checks.positive,
)
def fastai_onecycle_schedule(
    transition_steps: int,
    peak_value: ArrayLike,
    pct_start: float = 0.25,
    div_factor: float = 25.0,
    final_div_factor: float = 1e5,
) -> Schedule:
    r"""One cycle as fastai draws it, whose final value is a fraction of the peak.

    Half a cosine wave from :math:`P/d` to the peak :math:`P` at :math:`p T`, which may lie between two
    steps, and one to :math:`P/d_f` at :math:`T`.

    Args:
      transition_steps: :math:`T`, the length of the cycle.
      peak_value: :math:`P`, the largest value.
      pct_start: :math:`p`, the fraction of the cycle at which the peak is reached.
      div_factor: :math:`d`, the peak divided by the initial value.
      final_div_factor: :math:`d_f`, the peak divided by the final value.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a length is negative or not whole, a fraction not from 0 to 1, a divisor not
        positive, a value not finite.

    Source: ``fit_one_cycle`` of fastai.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.fastai_onecycle_schedule(100, peak_value=1.0)
      >>> [round(schedule(step), 6) for step in (0, 25, 100)]
      [0.04, 1.0, 1e-05]
    """
    length = nx.exact(transition_steps)
    values = [peak_value / div_factor, peak_value, peak_value / final_div_factor]
    return through_points([nx.exact(pct_start) * length, length], values, shapes.cosine())
