"""Runs in phases: warmup, a long stable phase, decay; compositions without arithmetic of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jaxsched import checks, shapes
from jaxsched._core import numerics as nx
from jaxsched._core.compose import join_schedules
from jaxsched._core.decorators import own_recipe
from jaxsched._core.schedule import Schedule
from jaxsched._core.shape import Shape, shape_like
from jaxsched._forms.exponential import geometric_schedule
from jaxsched._forms.transition import linear_schedule, transition_schedule

ArrayLike = jax.typing.ArrayLike

LINEAR, COSINE = shapes.linear(), shapes.cosine()


@own_recipe(
    init_value=checks.finite,
    peak_value=checks.finite,
    warmup_steps=checks.steps,
    stable_steps=checks.steps,
    decay_steps=checks.steps,
    end_value=checks.finite,
    decay_shape=shape_like,
    warmup_shape=shape_like,
)
def warmup_stable_decay_schedule(
    init_value: ArrayLike,
    peak_value: ArrayLike,
    warmup_steps: int,
    stable_steps: int,
    decay_steps: int,
    end_value: ArrayLike = 0.0,
    decay_shape: Shape = LINEAR,
    warmup_shape: Shape = LINEAR,
) -> Schedule:
    """Up to a peak, a long time at it, and a short decay: WSD, the trapezoid.

    The lengths are those of the three phases; the whole takes their sum.

    Args:
      init_value: the value at step 0.
      peak_value: the value of the stable phase.
      warmup_steps: the length of the warmup. With 0 there is none.
      stable_steps: the length of the stable phase.
      decay_steps: the length of the decay.
      end_value: the value after the decay.
      decay_shape: how the decay falls: ``shapes.inverse_power(0.5)`` for "1-sqrt",
        ``shapes.exponential(0.5)`` for Megatron's default.
      warmup_shape: how far the warmup is from its end, likewise.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or a shape not a shape.
      ValueError: a value is not finite, or a length is negative or not whole.

    Source: Hu et al., "MiniCPM", 2024 (arXiv:2404.06395); Haegele et al., 2024 (arXiv:2405.18392);
    ``get_wsd_schedule`` of transformers.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.warmup_stable_decay_schedule(0.0, 1.0, 10, 80, 10)
      >>> [schedule(step) for step in (0, 5, 10, 90, 95, 100)]
      [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    return join_schedules(
        [
            transition_schedule(init_value, peak_value, warmup_steps, warmup_shape),
            transition_schedule(peak_value, end_value, decay_steps, decay_shape, stable_steps),
        ],
        [warmup_steps],
    )


@checks.Relation
def _decays_fit(arguments: Mapping[str, Any], where: str) -> None:
    """Each period holds its decay, the first also the warmup."""
    decay, warmup = arguments["decay_steps"], arguments["warmup_steps"]
    for i, length in enumerate(arguments["period_steps"]):
        needed = [decay, warmup] if i == 0 else [decay]
        if all(map(nx.is_plain, (length, *needed))) and sum(needed) > length:
            what = "warmup_steps + decay_steps" if i == 0 and warmup else "decay_steps"
            raise checks.refuse(
                f"{where}: period_steps[{i}]", f"at least {what} ({sum(needed)})", length
            )


@own_recipe(
    _decays_fit,
    peak_value=checks.finite,
    period_steps=checks.sequence_of(checks.positive_steps, "positive integers", at_least=1),
    decay_steps=checks.steps,
    warmup_steps=checks.steps,
    end_value=checks.finite,
    decay_shape=shape_like,
    init_value=checks.finite,
)
def wsds_schedule(
    peak_value: ArrayLike,
    period_steps: Sequence[int],
    decay_steps: int,
    warmup_steps: int = 0,
    end_value: ArrayLike = 0.0,
    decay_shape: Shape = LINEAR,
    init_value: ArrayLike = 0.0,
) -> Schedule:
    """A stable phase and a decay again and again, back at the peak without a warmup: WSD-S.

    Each period ends in a decay, whose checkpoint can be used, and the next goes on from it.

    Args:
      peak_value: the value of the stable phases.
      period_steps: the length of each period, its decay included, and in the first the warmup.
      decay_steps: the length of each decay.
      warmup_steps: the length of the warmup, in the first period only.
      end_value: the value at the end of a decay.
      decay_shape: how a decay falls: ``shapes.harmonic(end_value / peak_value)`` in the paper.
      init_value: the value at step 0.

    Returns:
      A :class:`Schedule`, evaluated as one period however many there are.

    Raises:
      TypeError: an argument is not a number, or the shape not a shape.
      ValueError: there is no period, a period is not a positive integer or too short for its decay, a
        length is negative or not whole, or a value is not finite.

    Source: Wen et al., "Understanding Warmup-Stable-Decay Learning Rates", 2024 (arXiv:2410.05192);
    ``WSDS`` of OLMo-core.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.wsds_schedule(1.0, [60, 50], decay_steps=20, warmup_steps=20)
      >>> [schedule(step) for step in (0, 10, 20, 50, 60, 100, 110)]
      [0.0, 0.5, 1.0, 0.5, 1.0, 0.5, 0.0]
    """
    pieces = [linear_schedule(init_value, peak_value, warmup_steps)]
    boundaries, end, begin = [], 0, warmup_steps
    for length in period_steps:
        boundaries.append(begin)
        end = end + length
        hold = end - decay_steps - begin
        pieces.append(transition_schedule(peak_value, end_value, decay_steps, decay_shape, hold))
        begin = end
    return join_schedules(pieces, boundaries)


@own_recipe(
    init_value=checks.finite,
    peak_value=checks.positive,
    warmup_steps=checks.steps,
    hold_steps=checks.steps,
    decay_steps=checks.steps,
    end_value=checks.positive,
)
def tri_stage_schedule(
    init_value: ArrayLike,
    peak_value: ArrayLike,
    warmup_steps: int,
    hold_steps: int,
    decay_steps: int,
    end_value: ArrayLike,
) -> Schedule:
    """A straight line up, a hold, and an exponential decay: speech recognition's three stages.

    Args:
      init_value: the value at step 0; in fairseq a hundredth of the peak.
      peak_value: the value of the hold, above 0.
      warmup_steps: the length of the warmup. With 0 there is none.
      hold_steps: the length of the hold.
      decay_steps: the length of the decay.
      end_value: the value after the decay, above 0; in fairseq a hundredth of the peak.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number.
      ValueError: a value is not finite, the peak or the end not positive, or a length negative or not
        whole.

    Source: Park et al., "SpecAugment", 2019 (arXiv:1904.08779); fairseq's ``tri_stage``.

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.tri_stage_schedule(0.01, 1.0, 10, 40, 50, end_value=0.01)
      >>> [round(schedule(step), 4) for step in (0, 10, 50, 75, 100)]
      [0.01, 1.0, 1.0, 0.1, 0.01]
    """
    decay = geometric_schedule(peak_value, end_value, decay_steps, hold_steps)
    return join_schedules(
        [linear_schedule(init_value, peak_value, warmup_steps), decay], [warmup_steps]
    )


@own_recipe(
    init_value=checks.finite,
    peak_value=checks.finite,
    constant_value=checks.positive,
    end_value=checks.positive,
    warmup_steps=checks.steps,
    cooldown_steps=checks.steps,
    constant_steps=checks.steps,
    decay_steps=checks.steps,
    cooldown_shape=shape_like,
)
def infinite_schedule(
    init_value: ArrayLike,
    peak_value: ArrayLike,
    constant_value: ArrayLike,
    end_value: ArrayLike,
    warmup_steps: int,
    cooldown_steps: int,
    constant_steps: int,
    decay_steps: int,
    cooldown_shape: Shape = COSINE,
) -> Schedule:
    """For training without a planned end: up, down to a constant, and an exponential at the end.

    Args:
      init_value: the value at step 0.
      peak_value: the value after the warmup.
      constant_value: the value of the constant phase, above 0.
      end_value: the value after the decay, above 0.
      warmup_steps: the length of the warmup, a straight line. With 0 there is none.
      cooldown_steps: the length of the way from the peak to the constant value.
      constant_steps: the length of the constant phase, which may be prolonged at any time.
      decay_steps: the length of the final decay.
      cooldown_shape: how the cooldown falls: ``shapes.inverse_sqrt()`` in the paper's other variant.

    Returns:
      A :class:`Schedule`.

    Raises:
      TypeError: an argument is not a number, or the shape not a shape.
      ValueError: a value is not finite, the constant or the end not positive, or a length negative or
        not whole.

    Source: Ibrahim et al., "Simple and Scalable Strategies to Continually Pre-train Large Language
    Models", 2024 (arXiv:2403.08763).

    Example:
      >>> import jaxsched
      >>> schedule = jaxsched.infinite_schedule(0.0, 1.0, 0.5, 0.005, 10, 20, 50, 20)
      >>> [round(schedule(step), 4) for step in (0, 10, 20, 30, 80, 90, 100)]
      [0.0, 1.0, 0.75, 0.5, 0.5, 0.05, 0.005]
    """
    cooled = warmup_steps + cooldown_steps
    return join_schedules(
        [
            linear_schedule(init_value, peak_value, warmup_steps),
            transition_schedule(peak_value, constant_value, cooldown_steps, cooldown_shape),
            geometric_schedule(constant_value, end_value, decay_steps, constant_steps),
        ],
        [warmup_steps, cooled],
    )
