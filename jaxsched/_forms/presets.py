"""More that people ask for by name."""

from __future__ import annotations

import jax

from jaxsched import checks, shapes
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import own_recipe
from jaxsched._core.periods import share_of
from jaxsched._core.schedule import Schedule
from jaxsched._forms.knots import stretch
from jaxsched._forms.table import through
from jaxsched._forms.transition import transition_schedule

ArrayLike = jax.typing.ArrayLike

COSINE = shapes.cosine()


@own_recipe(
    transition_steps=checks.steps,
    peak_value=checks.finite,
    pct_start=checks.fraction,
    final_div_factor=checks.positive,
)
def flat_cosine_schedule(
    transition_steps: int,
    peak_value: ArrayLike,
    pct_start: float = 0.75,
    final_div_factor: float = 1e5,
) -> Schedule:
    r"""A constant, then half a cosine wave down.

    From :math:`P` at :math:`p T`, which may lie between two steps, to :math:`P/d_f` at :math:`T`.

    Args:
      transition_steps: :math:`T`, the length of the whole.
      peak_value: :math:`P`, the value of the flat part.
      pct_start: :math:`p`, the fraction of the whole that is flat.
      final_div_factor: :math:`d_f`, the peak divided by the final value.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: the length is negative or not whole, the fraction not from 0 to 1, the divisor not
        positive, a value not finite.

    Source: ``fit_flat_cos`` of fastai.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.flat_cosine_schedule(100, 1.0, pct_start=0.5, final_div_factor=100.0)
      >>> [round(schedule(step), 4) for step in (0, 50, 75, 100)]
      [1.0, 1.0, 0.505, 0.01]
    """
    length = nx.exact(transition_steps)
    end_value = peak_value / final_div_factor
    return stretch(peak_value, end_value, nx.exact(pct_start) * length, length * 1.0, COSINE)


@own_recipe(
    transition_steps=checks.steps,
    peak_value=checks.finite,
    cut_fraction=checks.fraction,
    ratio=checks.positive,
)
def slanted_triangular_schedule(
    transition_steps: int,
    peak_value: ArrayLike,
    cut_fraction: float = 0.1,
    ratio: float = 32.0,
) -> Schedule:
    r"""A short straight line up and a long one back down.

    From :math:`P/r` to the peak :math:`P` at :math:`\lfloor c T \rfloor`, and back at :math:`T`.

    Args:
      transition_steps: :math:`T`, the length of the whole.
      peak_value: :math:`P`, the largest value.
      cut_fraction: :math:`c`, the fraction of the whole at which the peak is reached.
      ratio: :math:`r`, the peak divided by the lowest value, above 0.

    Returns:
      A :class:`Schedule`. With traced hyperparameters the peak can lie a step beside that of concrete
      ones.

    Raises:
      TypeError: an argument is not a number.
      ValueError: the length is negative or not whole, the fraction not from 0 to 1, the ratio not
        positive, a value not finite.

    Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018
    (arXiv:1801.06146).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.slanted_triangular_schedule(100, 1.0, ratio=10.0)
      >>> [round(schedule(step), 4) for step in (0, 5, 10, 55, 100)]
      [0.1, 0.55, 1.0, 0.55, 0.1]
    """
    low = peak_value / ratio
    boundaries = [share_of(cut_fraction, transition_steps), transition_steps]
    return through("linear", boundaries, [low, peak_value, low])


@own_recipe(
    init_value=checks.finite,
    end_value=checks.finite,
    transition_steps=checks.steps,
    k=checks.positive,
)
def k_decay_schedule(
    init_value: ArrayLike, end_value: ArrayLike, transition_steps: int, k: ArrayLike = 1.5
) -> Schedule:
    r"""Half a cosine wave whose progress is warped by a power.

    .. math:: E + (I - E)\, \tfrac12 \left(1 + \cos \pi s^k\right), \qquad s = \min(t / T, 1)

    Args:
      init_value: :math:`I`, the value at step 0.
      end_value: :math:`E`, the value at the end.
      transition_steps: :math:`T`, the number of steps to the end. With 0 the value is ``end_value``.
      k: :math:`k`, above 0; above 1 it falls later.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, k is not positive, or the length is negative or not whole.

    Source: Zhang and Li, "k-decay", 2020 (arXiv:2004.05909); ``k_decay`` of timm's
    ``CosineLRScheduler``, ``cosine_theta`` of lingua. ``shapes.warped`` does it to any shape.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.k_decay_schedule(1.0, 0.0, 10, k=1.5)
      >>> [round(schedule(step), 4) for step in (0, 5, 8, 10)]
      [1.0, 0.722, 0.1867, 0.0]
    """
    return transition_schedule(
        init_value, end_value, transition_steps, shapes.warped(shapes.cosine(), k)
    )
