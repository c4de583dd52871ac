"""A reducer that lowers the learning rate when a metric has stopped improving."""

from __future__ import annotations

from typing import Any, Literal

import jax
import numpy as np
import optax

from jaxsched import checks
from jaxsched._core.form import names_arguments
from jaxsched._optimizer.improvement import in_float32
from jaxsched._optimizer.monitor import mode_of
from jaxsched._optimizer.plateau_rule import PlateauRule

Number = float | jax.Array | np.ndarray
Integer = int | jax.Array | np.ndarray


class _Open:
    """A number strictly between 0 and 1, or at least 0 and below 1."""

    def __init__(self, *, zero: bool = False):
        self.zero = zero
        self.allowed = (
            "a number of at least 0 and below 1" if zero else "a number above 0 and below 1"
        )

    def __call__(self, value: Any, where: str) -> Any:
        if checks.is_unknown(value):
            return value
        value = checks.finite(value, where)
        host = np.asarray(value, np.float64)
        if not np.all((host < 1) & ((host >= 0) if self.zero else (host > 0))):
            raise checks.refuse(where, self.allowed, value)
        return value


def _scalar(constraint: checks.Constraint) -> checks.Constraint:
    """What the constraint allows, but no array of several numbers: one reducer has one of each."""

    def check(value: Any, where: str) -> Any:
        value = constraint(value, where)
        shape = getattr(value, "shape", ())
        if shape != ():
            raise ValueError(
                f"{where} must be a scalar, got an array of shape {shape} (jax.vmap maps over several)"
            )
        return value

    return check


def _base_rate(value: Any, where: str) -> Any:
    if callable(value) and not isinstance(value, type):
        return value
    if not isinstance(value, (int, float, np.generic, np.ndarray, jax.Array)) or isinstance(
        value, bool
    ):
        raise checks.refuse(where, "a schedule or a non-negative finite number", value, TypeError)
    return _scalar(checks.nonnegative)(value, where)


def _axes(value: Any, where: str) -> Any:
    names = value if isinstance(value, tuple) else (value,)
    if value is not None and not (names and all(isinstance(name, str) for name in names)):
        raise checks.refuse(where, "the name of an axis, or a tuple of names", value, TypeError)
    return value


CHECKS: dict[str, checks.Constraint] = {
    "factor": _scalar(_Open()),
    "patience": _scalar(checks.steps),
    "rtol": _scalar(checks.fraction),
    "atol": _scalar(checks.nonnegative),
    "cooldown": _scalar(checks.steps),
    "accumulation_size": _scalar(checks.positive_steps),
    "min_scale": _scalar(checks.fraction),
    "mode": checks.one_of("min", "max", "auto"),
    "nonfinite": checks.one_of("bad", "ignore"),
    "start_step": _scalar(checks.steps),
    "axis_name": _axes,
    "ema_decay": checks.optional(_scalar(_Open(zero=True))),
    "learning_rate": checks.optional(_base_rate),
    "min_lr": checks.optional(_scalar(checks.nonnegative)),
    "eps": checks.optional(_scalar(checks.nonnegative)),
}
# torch and Keras also take 0, and go to `min_lr` at once.
ALSO_ZERO = _scalar(_Open(zero=True))


@names_arguments("reduce_on_plateau")
def reduce_on_plateau(
    factor: Number = 0.1,
    patience: Integer = 10,
    rtol: Number = 1e-4,
    atol: Number = 0.0,
    cooldown: Integer = 0,
    accumulation_size: Integer = 1,
    min_scale: Number = 0.0,
    *,
    mode: Literal["min", "max", "auto"] = "min",
    monitor: str | None = None,
    nonfinite: Literal["bad", "ignore"] = "bad",
    start_step: Integer = 0,
    axis_name: str | tuple[str, ...] | None = None,
    ema_decay: Number | None = None,
    learning_rate: optax.Schedule | Number | None = None,
    min_lr: Number | None = None,
    eps: Number | None = None,
) -> optax.GradientTransformationExtraArgs:
    """Multiplies the updates by a scale, and lowers it when a metric has stopped improving.

    It belongs after the optimizer, where :func:`with_plateau` puts it: an optimizer that normalizes the
    gradients, such as Adam, undoes any scaling before it. The metric comes with the update
    (``update(grads, state, params, value=loss)``) or, between epochs, by :func:`observe`. An update
    without ``value`` only scales.

    One observation does, in this order:

    1. the observation is the value given, the mean of the last ``accumulation_size`` values, or their
       exponential average;
    2. it has improved if ``value < best - (rtol * |best| + atol)``, or for ``mode="max"``
       ``value > best + (rtol * |best| + atol)``; the first finite one always has;
    3. if it has, ``best = value`` and ``bad = 0``, otherwise ``bad += 1``;
    4. in a cooldown, ``cooldown -= 1`` and ``bad = 0``;
    5. if ``bad >= max(patience, 1)``, ``scale = max(scale * factor, min_scale)``, the cooldown starts and
       ``bad = 0``. A scale that is already below ``min_scale`` stays.

    The reduced scale applies from the update on with which the value came. All numbers may be traced, and
    mapped over with `jax.vmap`; traced ones are not checked.

    Args:
      factor: what the scale is multiplied by, above 0 and below 1.
      patience: the reduction comes at this many observations in a row without improvement; 0 does as 1.
      rtol: the part of the best value by which a better one must differ.
      atol: the amount by which a better value must differ, added to the former. Both may be 0.
      cooldown: observations after a reduction that count neither as bad nor towards another reduction.
      accumulation_size: how many values make one observation, which is their mean.
      min_scale: a reduction does not take the scale below this.
      mode: ``"min"`` for a metric that shall fall, ``"max"`` for one that shall rise, ``"auto"`` to tell by
        its name.
      monitor: the name of the metric, for ``mode="auto"`` alone: ``"val_loss"``, ``"val_acc"``.
      nonfinite: whether NaN or an infinity counts as no improvement (``"bad"``) or not at all
        (``"ignore"``). It never becomes the best value.
      start_step: values that come before this step are ignored, such as those of a warmup.
      axis_name: the axis of a surrounding ``shard_map`` or ``pmap`` over which values are averaged, so
        that all devices decide alike.
      ema_decay: if given, every value is an observation, judged by the bias-corrected exponential average
        of all values with this decay.
      learning_rate: the optimizer's rate, a number or a schedule, for ``min_lr`` and ``eps``.
      min_lr: the effective rate ``learning_rate * scale`` is never scaled below this. Where the schedule
        itself goes below, its own value is used: ``max(rate * scale, min(rate, min_lr))``.
      eps: a reduction that would change the effective rate by no more than this is not done (torch).

    Returns:
      A transformation whose state is a :class:`ReduceLROnPlateauState`.

    Raises:
      TypeError: an argument is of the wrong type; at an update, a value that is no number.
      ValueError: an argument is out of its range, the direction of ``monitor`` is not known, ``min_lr`` or
        ``eps`` comes without ``learning_rate``, or ``ema_decay`` with ``accumulation_size``; at an
        update, a value that is no scalar.

    Source: `optax.contrib.reduce_on_plateau`, whose arguments and state these are; ``mode``, ``min_lr`` and
    ``eps`` of torch's and Keras's ``ReduceLROnPlateau``.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> plateau = jaxsched.reduce_on_plateau(factor=0.5, patience=2)
      >>> tx = optax.chain(optax.sgd(1.0), plateau)
      >>> params = jnp.zeros(3)
      >>> state = tx.init(params)
      >>> for loss in (3.0, 2.0, 2.0, 2.0, 2.0):
      ...     updates, state = tx.update(jnp.ones(3), state, params, value=loss)
      ...     print(updates[0])
      -1.0
      -1.0
      -1.0
      -0.5
      -0.5
    """
    name = "reduce_on_plateau"
    given = dict(locals())
    values = {key: check(given[key], f"{name}: {key}") for key, check in CHECKS.items()}
    if mode == "auto":
        values["mode"] = mode_of(monitor, f"{name}: monitor")
    elif monitor is not None:
        raise checks.refuse(
            f"{name}: monitor", f'None for mode={mode!r} (mode="auto" reads it)', monitor
        )
    if values["learning_rate"] is None:
        for key in ("min_lr", "eps"):
            if values[key] is not None and not (type(values[key]) is float and values[key] == 0):
                raise ValueError(
                    f"{name}: {key} is about the effective rate: give learning_rate too, "
                    "the optimizer's rate or schedule"
                )
            values[key] = None
    size = values["accumulation_size"]
    if values["ema_decay"] is not None and not (type(size) is int and size == 1):
        raise ValueError(f"{name}: ema_decay and accumulation_size exclude each other: give one")
    rule = PlateauRule(**values, better=in_float32)
    return optax.GradientTransformationExtraArgs(rule.init, rule.update)
