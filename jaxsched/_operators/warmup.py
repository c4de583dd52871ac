"""Operators on a stretch of a schedule: a warmup before it, a cooldown or another plan after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched import checks
from jaxsched._core import numerics as nx
from jaxsched._core.decorators import formula, own_recipe
from jaxsched._core.operand import schedule_like, value_at
from jaxsched._core.periods import elapsed_since, has_begun, is_beyond
from jaxsched._core.progress import progress
from jaxsched._core.schedule import Schedule
from jaxsched._core.shape import Shape, shape_like
from jaxsched.shapes import cosine, linear

ArrayLike = jax.typing.ArrayLike
ScheduleLike = Callable[[Any], Any]


def _value_of(schedule: Any, step: Any, at: Any) -> Any:
    """The schedule's value at a step that is a hyperparameter, whatever `step` it is."""
    if schedule.is_plain and nx.is_plain(at):
        value = schedule(at)
        if type(value) is float:
            return value
        if nx.is_host(step):  # a callable that computes with JAX: nothing traced may be kept
            return step.code.line("{}({})", schedule, at)
        return jnp.broadcast_to(nx.real(value), step.shape)
    if is_beyond(step, at):  # a float holds it, to its digits
        return value_at(schedule, jnp.broadcast_to(nx.real(at), step.shape))
    at = jnp.asarray(nx.like_step(step, at), step.dtype)
    return value_at(schedule, nx.spread(at, step))


def _before(
    step: Any, begin: Any, value: Callable[[Any], Any], schedule: Any, restarted: bool
) -> Any:
    """A value before a step, of which it is given the step; from it on the schedule, from its step 0."""
    if nx.is_host(step):
        later = lambda: value_at(schedule, step.since(begin) if restarted else step)
        return step.code.choose(step >= begin, later, lambda: value(step.until(begin)))
    begun, earlier = has_begun(step, begin), value(step)
    at = elapsed_since(step, begin) if restarted and not schedule._form.timeless else step
    return jnp.where(begun, value_at(schedule, at), earlier)


def _after(step: Any, begin: Any, schedule: Any, value: Callable[[Any, Any], Any]) -> Any:
    """The schedule, and from a step on another value, which is given the step and that step.

    On the host it is given the steps since then, and 0: there it is asked for no others.
    """
    if nx.is_host(step):
        later = lambda: value(step.since(begin), 0)
        earlier = lambda: value_at(schedule, step.until(begin))
        return step.code.choose(step >= begin, later, earlier)
    later, earlier = value(step, begin), value_at(schedule, step)
    return jnp.where(has_begun(step, begin), later, earlier)


def _sum_fits(step: Any, length: Any, first: Any) -> bool:
    """Whether a step below a length is known to have a sum with the first one in its type."""
    if nx.is_plain(first) and first == 0:
        return True
    known = nx.is_plain(length) and nx.is_plain(first)
    return nx.is_host(step) or (known and not is_beyond(step, length + first))


@formula(
    checks.AtMost("first_step", "warmup_steps"),
    schedule=schedule_like,
    warmup_steps=checks.steps,
    init_value=checks.finite,
    shape=shape_like,
    mode=checks.one_of("prefix", "overlay"),
    first_step=checks.steps,
)
def with_warmup(
    step: Any,
    schedule: ScheduleLike,
    warmup_steps: int,
    init_value: ArrayLike = 0.0,
    shape: Shape = linear(),  # noqa: B008 (a shape is immutable)
    mode: str = "prefix",
    first_step: int = 0,
) -> Any:
    r"""A transition up to a schedule, and then the schedule.

    .. math:: s(a) + (I - s(a))\, f\!\left(\frac{t + k}{W}\right) \quad\text{for}\quad t < W

    With ``mode="prefix"`` the schedule comes after the warmup: it is :math:`s(t - W)` from :math:`W`
    on, and the warmup ends at :math:`s(0)`. With ``"overlay"`` the warmup takes the place of the
    schedule's first steps: it is :math:`s(t)` from :math:`W` on, and the warmup ends at :math:`s(W)`.
    For a warmup that scales the schedule instead, multiply it by one.

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      warmup_steps: :math:`W`, the number of steps before the schedule's own values. With 0 there is
        no warmup.
      init_value: :math:`I`, the value from which the warmup starts.
      shape: :math:`f`, a shape from :mod:`jaxsched.shapes`, from 1 to 0.
      mode: "prefix" or "overlay".
      first_step: :math:`k`, the step of the warmup that comes first. With 0 the first update has
        ``init_value``, as in optax; with 1 it has a share of 1/W (``init_value=0.0``), as in
        torchtitan. At most ``warmup_steps``.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, the shape not a shape, or an argument not a number.
      ValueError: a length is negative or not whole, the value not finite, the mode unknown, or
        ``first_step`` above ``warmup_steps``.

    Source: PaddlePaddle ``LinearWarmup`` and timm ``warmup_prefix=True`` (prefix); TensorFlow models
    ``LinearWarmup`` (overlay).

    Example:
      >>> import jaxsched
      >>> fall = jaxsched.linear_schedule(1.0, 0.0, 8)
      >>> schedule = jaxsched.with_warmup(fall, 2)
      >>> [schedule(step) for step in (0, 1, 2, 6, 10)]
      [0.0, 0.5, 1.0, 0.5, 0.0]
      >>> schedule.replace(mode="overlay")(2), schedule.replace(first_step=1)(0)
      (0.75, 0.5)
    """
    overlay = mode == "overlay"
    goal = _value_of(schedule, step, warmup_steps if overlay else 0)

    def value(step: Any) -> Any:
        if not _sum_fits(step, warmup_steps, first_step):  # no step past the end is counted
            endless = is_beyond(step, warmup_steps)
            last = int(np.iinfo(step.dtype).max) if endless else nx.like_step(step, warmup_steps)
            step = nx.minimum(step, last - nx.like_step(step, first_step))
        return shape.between(init_value, goal, progress(step, warmup_steps, -first_step))

    return _before(step, warmup_steps, value, schedule, not overlay)


@formula(
    schedule=schedule_like,
    begin=checks.steps,
    cooldown_steps=checks.steps,
    end_value=checks.finite,
    shape=shape_like,
)
def with_cooldown(
    step: Any,
    schedule: ScheduleLike,
    begin: int,
    cooldown_steps: int,
    end_value: ArrayLike = 0.0,
    shape: Shape = linear(),  # noqa: B008 (a shape is immutable)
) -> Any:
    r"""A schedule that is cooled down from some step on, continuously.

    .. math:: E + (s(B) - E)\, f\!\left(\frac{t - B}{C}\right) \quad\text{for}\quad t \ge B

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value.
      begin: :math:`B`, the step at which the cooldown starts, from the schedule's value there.
      cooldown_steps: :math:`C`, the number of steps of the cooldown. With 0 the value is
        ``end_value`` from ``begin`` on.
      end_value: :math:`E`, the value at the end, which is then held.
      shape: :math:`f`, a shape from :mod:`jaxsched.shapes`, from 1 to 0.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: the schedule is not callable, the shape not a shape, or an argument not a number.
      ValueError: a length is negative or not whole, or the value not finite.

    Source: OLMo-core ``OverrideDecay``; Haegele et al., 2024 (arXiv:2405.18392).

    Example:
      >>> import jaxsched
      >>> rate = jaxsched.constant_schedule(1.0)
      >>> schedule = jaxsched.with_cooldown(rate, begin=10, cooldown_steps=4)
      >>> [schedule(step) for step in (0, 10, 11, 14, 100)]
      [1.0, 1.0, 0.75, 0.0, 0.0]
    """
    start = _value_of(schedule, step, begin)
    value = lambda t, begin: shape.between(start, end_value, progress(t, cooldown_steps, begin))
    return _after(step, begin, schedule, value)


@own_recipe(
    schedule=schedule_like,
    swa_value=checks.finite,
    swa_start=checks.steps,
    anneal_steps=checks.steps,
    shape=shape_like,
)
def swa_schedule(
    schedule: ScheduleLike,
    swa_value: ArrayLike,
    swa_start: int,
    anneal_steps: int = 10,
    shape: Shape = cosine(),  # noqa: B008 (a shape is immutable)
) -> Schedule:
    r"""A schedule up to some step, and from there on to a constant for stochastic weight averaging.

    .. math:: V + (s(B) - V)\, f\!\left(\frac{t - B}{A}\right) \quad\text{for}\quad t \ge B

    Args:
      schedule: :math:`s`, a schedule, or another callable from step to value, up to ``swa_start``.
      swa_value: :math:`V`, the value at which weights are averaged.
      swa_start: :math:`B`, the step from which on the value goes over to ``swa_value``.
      anneal_steps: :math:`A`, the length of the way there. With 0 it is a jump.
      shape: :math:`f`, the way: a shape from :mod:`jaxsched.shapes`.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: ``schedule`` is not callable, an argument not a number, or the shape not a shape.
      ValueError: a value is not finite, or a length is negative or not whole.

    Source: ``torch.optim.swa_utils.SWALR``; Izmailov et al., "Averaging Weights Leads to Wider Optima",
    2018 (arXiv:1803.05407).

    Example:
      >>> import jaxsched
      >>> base = jaxsched.exponential_decay(1.0, 100, 0.5)
      >>> schedule = jaxsched.swa_schedule(base, swa_value=0.05, swa_start=100, anneal_steps=10)
      >>> [round(schedule(step), 4) for step in (0, 100, 105, 110, 1000)]
      [1.0, 0.5, 0.275, 0.05, 0.05]
    """
    return with_cooldown(schedule, swa_start, anneal_steps, swa_value, shape)


@checks.Relation
def _can_be_scaled(arguments: Mapping[str, Any], where: str) -> None:
    """A plan that starts at 0 cannot go on from another value."""
    plan = arguments["plan"]
    if arguments["continuous"] and plan.is_plain:
        first = plan(0)
        if type(first) is float and first == 0:
            raise ValueError(
                f"{where}: plan must not start at 0 to go on continuously "
                f"(or continuous must be False), got {plan!r}"
            )


@formula(
    _can_be_scaled,
    schedule=schedule_like,
    begin=checks.steps,
    plan=schedule_like,
    continuous=checks.flag,
)
def override(
    step: Any, schedule: ScheduleLike, begin: int, plan: ScheduleLike, continuous: bool = True
) -> Any:
    r"""A schedule with another plan for the rest of the run.

    .. math:: \frac{s(B)}{p(0)}\, p(t - B) \quad\text{for}\quad t \ge B

    To go on training for longer than planned, give the decay over the new number of remaining steps:
    the rate continues from where it is.

    Args:
      schedule: :math:`s`, the schedule until then.
      begin: :math:`B`, the step from which the plan holds.
      plan: :math:`p`, the new schedule, whose step 0 is ``begin``.
      continuous: whether the plan is scaled so that it begins with the schedule's value at ``begin``;
        otherwise it holds as it is.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: a schedule is not callable, ``begin`` not a number, or ``continuous`` not a bool.
      ValueError: ``begin`` is negative or not whole, or a plan that is to be scaled starts at 0.

    Source: OLMo-core ``OverrideDecay``; Megatron ``override_opt_param_scheduler``.

    Example:
      >>> import jaxsched
      >>> planned = jaxsched.linear_schedule(1.0, 0.0, 100)
      >>> longer = jaxsched.override(planned, 50, jaxsched.linear_schedule(1.0, 0.0, 200))
      >>> [longer(step) for step in (0, 50, 150, 250)]
      [1.0, 0.5, 0.25, 0.0]
    """
    scale = _value_of(schedule, step, begin) / _value_of(plan, step, 0) if continuous else None

    def value(t: Any, begin: Any) -> Any:
        planned = value_at(plan, elapsed_since(t, begin))
        return planned if scale is None else planned * scale

    return _after(step, begin, schedule, value)
