"""One cycle up to a peak and down, far below where it started."""

from __future__ import annotations

import jax

from jaxsched import checks
from jaxsched._progress import share_of
from jaxsched._schedule import Schedule, recipe
from jaxsched._table import through

ArrayLike = jax.typing.ArrayLike


@recipe(
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


@recipe(
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
