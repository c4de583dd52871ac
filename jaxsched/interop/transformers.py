"""The schedules of transformers by their names; transformers itself is not imported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import optax

from jaxsched import checks, plateau_from_torch
from jaxsched._core.form import names_arguments, refuse_unknown
from jaxsched._core.near import did_you_mean
from jaxsched._core.schedule import Schedule
from jaxsched._forms.recipes import warmup_constant_schedule
from jaxsched._forms.transition import constant_schedule
from jaxsched.interop import _peer
from jaxsched.interop import _transformers_forms as forms

Rate = Callable[[Any], Any] | float | jax.Array | np.ndarray

# What get_scheduler gives each function, besides scheduler_specific_kwargs.
_WARMUP_AND_LENGTH: dict[str, Callable[..., Schedule]] = {
    "linear": forms.linear,
    "cosine": forms.cosine,
    "cosine_with_restarts": forms.cosine_with_restarts,
    "polynomial": forms.polynomial,
    "cosine_with_min_lr": forms.cosine_with_min_lr,
    "cosine_warmup_with_min_lr": forms.cosine_warmup_with_min_lr,
}
NAMES = (
    *_WARMUP_AND_LENGTH, "constant", "constant_with_warmup", "inverse_sqrt", "warmup_stable_decay",
    "reduce_lr_on_plateau",
)  # fmt: skip
# The functions of transformers that make the schedules.
FUNCTIONS = {
    "get_constant_schedule": "constant",
    "get_constant_schedule_with_warmup": "constant_with_warmup",
    "get_linear_schedule_with_warmup": "linear",
    "get_cosine_schedule_with_warmup": "cosine",
    "get_cosine_with_hard_restarts_schedule_with_warmup": "cosine_with_restarts",
    "get_polynomial_decay_schedule_with_warmup": "polynomial",
    "get_inverse_sqrt_schedule": "inverse_sqrt",
    "get_cosine_with_min_lr_schedule_with_warmup": "cosine_with_min_lr",
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": "cosine_warmup_with_min_lr",
    "get_wsd_schedule": "warmup_stable_decay",
    "get_reduce_on_plateau_schedule": "reduce_lr_on_plateau",
    "get_greedy_schedule": "greedy",
}


@names_arguments("from_transformers")
def from_transformers(
    name: str,
    learning_rate: Rate,
    num_warmup_steps: int | None = None,
    num_training_steps: int | None = None,
    scheduler_specific_kwargs: Mapping[str, Any] | None = None,
) -> Schedule | optax.GradientTransformationExtraArgs:
    """The schedule that `transformers.get_scheduler` makes of the same arguments.

    Every `SchedulerType` but ``"greedy"``; transformers need not be installed. The curve is the same at
    every step, past ``num_training_steps`` too, where the cosines of transformers rise again. Where
    that is not wanted, :func:`jaxsched.warmup_cosine_decay_schedule` holds its last value.

    Args:
      name: the name, as ``TrainingArguments.lr_scheduler_type``: a string or a `SchedulerType`. Or that of
        the function, ``"get_cosine_schedule_with_warmup"``, also with its path; its own further
        arguments, as ``num_cycles``, are ``scheduler_specific_kwargs`` then, too.
      learning_rate: the optimizer's rate, ``TrainingArguments.learning_rate``. For
        ``"reduce_lr_on_plateau"`` it may be a schedule.
      num_warmup_steps: the number of steps of the warmup; not needed for ``"constant"`` and
        ``"reduce_lr_on_plateau"``.
      num_training_steps: the number of steps of the run, warmup included; not needed for the same two,
        ``"constant_with_warmup"``, ``"inverse_sqrt"`` and a ``"warmup_stable_decay"`` with
        ``num_stable_steps``.
      scheduler_specific_kwargs: what else the function of this name takes, as
        ``TrainingArguments.lr_scheduler_kwargs``. As there, the two constant schedules ignore them.

    Returns:
      A :class:`jaxsched.Schedule`, made of jaxsched's public factories. For ``"reduce_lr_on_plateau"``
      a :func:`jaxsched.reduce_on_plateau`, which :func:`jaxsched.observe` gives the metric.

    Raises:
      TypeError: an argument is of the wrong type, or one of ``scheduler_specific_kwargs`` is unknown.
      ValueError: the name is unknown or ``"greedy"``, which follows the metric up and down and has no
        curve; a length that the name needs is missing; or an argument is out of its range.

    Source: transformers/optimization.py, ``get_scheduler``.

    Example:
      >>> from jaxsched.interop.transformers import from_transformers
      >>> schedule = from_transformers("linear", 1.0, num_warmup_steps=10, num_training_steps=110)
      >>> [schedule(step) for step in (0, 5, 10, 60, 110)]
      [0.0, 0.5, 1.0, 0.5, 0.0]
      >>> from_transformers("inverse_sqrt", 1e-3, 100)
      inverse_sqrt_schedule(peak_value=0.001, warmup_steps=100, timescale=100.0)
    """
    key = getattr(name, "value", name)
    if isinstance(key, str):
        key = _peer.bare_name(key, "transformers")
        key = FUNCTIONS.get(key, key)
    if key == "greedy":
        raise ValueError(
            "from_transformers: 'greedy' has no curve: GreedyLR follows the metric, up when it improves "
            "and down when it does not. Use 'reduce_lr_on_plateau' (jaxsched.reduce_on_plateau), which "
            "only goes down"
        )
    if not isinstance(key, str) or key not in NAMES:
        allowed = " or ".join(map(repr, NAMES))
        hint = did_you_mean(key, [*NAMES, *FUNCTIONS]) if isinstance(key, str) else ""
        raise ValueError(f"from_transformers: name must be {allowed}, got {key!r}{hint}")
    given = {} if scheduler_specific_kwargs is None else scheduler_specific_kwargs
    if not isinstance(given, Mapping):
        where = "from_transformers: scheduler_specific_kwargs"
        raise checks.refuse(where, "a mapping from argument to value", given, TypeError)
    if key == "reduce_lr_on_plateau":
        return plateau_from_torch(**_bound(key, plateau_from_torch, learning_rate, **given))
    rate = checks.nonnegative(learning_rate, "from_transformers: learning_rate")
    if key == "constant":
        return constant_schedule(rate)
    warmup = _steps(num_warmup_steps, "num_warmup_steps", key)
    if key == "constant_with_warmup":
        return warmup_constant_schedule(0.0, rate, warmup)
    if key == "inverse_sqrt":
        function, lengths = forms.inverse_sqrt, (warmup,)
    elif key == "warmup_stable_decay":
        total = num_training_steps
        total = None if total is None else _steps(total, "num_training_steps", key)
        function, lengths = forms.warmup_stable_decay, (warmup, total)
    else:
        total = _steps(num_training_steps, "num_training_steps", key)
        function, lengths = _WARMUP_AND_LENGTH[key], (warmup, total)
    return function(**_bound(key, function, rate, *lengths, **given))


def _steps(value: Any, argument: str, name: str) -> int:
    where = f"from_transformers: {argument}"
    if value is None:
        raise checks.refuse(where, f"given for {name!r}", value)
    return checks.steps(value, where)


def _bound(name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> dict[str, Any]:
    where = f"from_transformers: scheduler_specific_kwargs of {name!r}"
    signature = inspect.signature(function)
    refuse_unknown(where, kwargs, tuple(signature.parameters)[len(args) :])
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{where}: {error}") from None
