"""Atoms that go from one value to another."""

from __future__ import annotations

from typing import Any

import jax

from jaxsched import checks, shapes
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula
from jaxsched._core.progress import progress
from jaxsched._core.shape import Shape, between, shape_like

ArrayLike = jax.typing.ArrayLike


@formula(value=checks.finite)
def constant_schedule(step: Any, value: ArrayLike) -> Any:
    """The same value at every step.

    Args:
      value: the value.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: value is not a number.
      ValueError: value is not finite.

    Source: ``optax.constant_schedule``.

    Example:
      >>> import jaxsched
      >>> jaxsched.constant_schedule(0.1)(1000)
      0.1
    """
    return value if nx.is_host(step) else nx.spread(nx.real(value), step)


constant_schedule.form.timeless = True  # pyright: ignore[reportFunctionMemberAccess]


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    transition_steps=checks.steps,
    transition_begin=checks.steps,
)
def linear_schedule(
    step: Any,
    init_value: ArrayLike,
    end_value: ArrayLike,
    transition_steps: int,
    transition_begin: int = 0,
) -> Any:
    r"""A straight line from one value to another.

    .. math:: I + (E - I)\, s, \qquad s = \mathrm{clip}\left(\frac{t - B}{T}, 0, 1\right)

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      end_value: :math:`E`, the value from step ``transition_begin + transition_steps`` on.
      transition_steps: :math:`T`, the number of steps the transition takes. With 0 the value is
        ``end_value`` from ``transition_begin`` on.
      transition_begin: :math:`B`, the number of steps before the transition.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, or a length is negative or not whole.

    Source: ``optax.linear_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.linear_schedule(1.0, 0.0, transition_steps=4)
      >>> [schedule(step) for step in (0, 1, 2, 4, 100)]
      [1.0, 0.75, 0.5, 0.0, 0.0]
    """
    way = progress(step, transition_steps, transition_begin)
    return between(init_value, end_value, way, shapes.linear.form)


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    transition_steps=checks.steps,
    shape=shape_like,
    transition_begin=checks.steps,
)
def transition_schedule(
    step: Any,
    init_value: ArrayLike,
    end_value: ArrayLike,
    transition_steps: int,
    shape: Shape = shapes.linear(),  # noqa: B008 (a shape is immutable)
    transition_begin: int = 0,
) -> Any:
    r"""From one value to another along any shape.

    .. math:: E + (I - E)\, f(s), \qquad s = \mathrm{clip}\left(\frac{t - B}{T}, 0, 1\right)

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      end_value: :math:`E`, the value from step ``transition_begin + transition_steps`` on.
      transition_steps: :math:`T`, the number of steps the transition takes. With 0 the value is
        ``end_value`` from ``transition_begin`` on.
      shape: :math:`f`, a shape from :mod:`jaxsched.shapes`, which falls from 1 to 0.
      transition_begin: :math:`B`, the number of steps before the transition.

    Returns:
      A :class:`Schedule`. No value lies outside the interval of its ends.

    Raises:
      TypeError: an argument is not a number, or the shape not a shape.
      ValueError: a value is not finite, or a length is negative or not whole.

    Example:
      >>> import jaxsched
      >>> from jaxsched import shapes
      >>> schedule = jaxsched.transition_schedule(1.0, 0.0, 4, shape=shapes.inverse_power(0.5))
      >>> [round(schedule(step), 4) for step in (0, 1, 2, 4)]
      [1.0, 0.5, 0.2929, 0.0]
    """
    return shape.between(init_value, end_value, progress(step, transition_steps, transition_begin))


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    power=checks.nonnegative,
    transition_steps=checks.steps,
    transition_begin=checks.steps,
)
def polynomial_schedule(
    step: Any,
    init_value: ArrayLike,
    end_value: ArrayLike,
    power: ArrayLike,
    transition_steps: int,
    transition_begin: int = 0,
) -> Any:
    r"""A power of the remaining way from one value to another.

    .. math:: E + (I - E)(1 - s)^p, \qquad s = \mathrm{clip}\left(\frac{t - B}{T}, 0, 1\right)

    Args:
      init_value: :math:`I`, the value up to step ``transition_begin``.
      end_value: :math:`E`, the value from step ``transition_begin + transition_steps`` on.
      power: :math:`p`, at least 0; above 1 it is steepest at the start. With 0 the value stays
        ``init_value``.
      transition_steps: :math:`T`, the number of steps the transition takes. With 0 the value is
        ``end_value`` from ``transition_begin`` on.
      transition_begin: :math:`B`, the number of steps before the transition.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the power is negative, or a length is negative or not whole.

    Source: ``optax.polynomial_schedule``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.polynomial_schedule(1.0, 0.0, power=2, transition_steps=4)
      >>> [schedule(step) for step in (0, 1, 2, 4, 100)]
      [1.0, 0.5625, 0.25, 0.0, 0.0]
    """
    way = progress(step, transition_steps, transition_begin)
    return between(init_value, end_value, way, shapes.power.form, power)


@formula(
    init_value=checks.finite,
    decay_steps=checks.steps,
    alpha=checks.finite,
    exponent=checks.nonnegative,
)
def cosine_decay_schedule(
    step: Any,
    init_value: ArrayLike,
    decay_steps: int,
    alpha: ArrayLike = 0.0,
    exponent: ArrayLike = 1.0,
) -> Any:
    r"""Half a cosine wave from a value down to a fraction of it.

    .. math::
      I \left[\alpha + (1 - \alpha)
      \left(\tfrac12 (1 + \cos \pi s)\right)^p\right], \qquad s = \min(t / T, 1)

    Args:
      init_value: :math:`I`, the value at step 0.
      decay_steps: :math:`T`, the number of steps to the end. With 0 the value is the final one.
      alpha: :math:`\alpha`, the final value as a fraction of ``init_value``.
      exponent: :math:`p`, at least 0; above 1 it falls earlier.

    Returns:
      A :class:`Schedule`. Both ends are exact, and no value lies outside their interval.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the exponent is negative, or the length is negative or not
        whole.

    Source: ``optax.cosine_decay_schedule``; Loshchilov and Hutter, "SGDR", 2017 (arXiv:1608.03983).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.cosine_decay_schedule(1.0, decay_steps=4, alpha=0.1)
      >>> [round(schedule(step), 4) for step in (0, 1, 2, 3, 4, 100)]
      [1.0, 0.8682, 0.55, 0.2318, 0.1, 0.1]
    """
    way = progress(step, decay_steps)
    end_value = nx.exact(init_value) * nx.exact(alpha)
    return between(init_value, end_value, way, shapes.cosine.form, exponent)


@formula(
    init_value=checks.finite,
    end_value=checks.finite,
    transition_steps=checks.steps,
    exponent=checks.nonnegative,
)
def cosine_interpolation(
    step: Any, init_value: Any, end_value: Any, transition_steps: Any, exponent: Any = 1.0
) -> Any:
    """Half a cosine wave from one value to another: cosine_decay_schedule with an absolute end."""
    way = progress(step, transition_steps)
    return between(init_value, end_value, way, shapes.cosine.form, exponent)
