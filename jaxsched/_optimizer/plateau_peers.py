"""The plateau reducers of torch and Keras by their own arguments."""

from __future__ import annotations

from typing import Any, Literal

import jax
import numpy as np
import optax

from jaxsched import checks
from jaxsched._core.form import names_arguments
from jaxsched._optimizer.improvement import as_keras, as_torch
from jaxsched._optimizer.monitor import mode_of
from jaxsched._optimizer.plateau import ALSO_ZERO, CHECKS
from jaxsched._optimizer.plateau_rule import PlateauRule

Rate = optax.Schedule | float | jax.Array | np.ndarray


@names_arguments("plateau_from_torch")
def plateau_from_torch(
    learning_rate: Rate,
    mode: Literal["min", "max"] = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: Literal["rel", "abs"] = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    eps: float = 1e-8,
) -> optax.GradientTransformationExtraArgs:
    """A :func:`reduce_on_plateau` that decides as `torch.optim.lr_scheduler.ReduceLROnPlateau`.

    torch reduces after ``patience + 1`` bad observations, so ``patience`` becomes one more; ``threshold``
    becomes ``rtol`` or ``atol``. Metrics are float32, and compared as torch does in float64, ties of
    decimal numbers included. Two decisions differ, where torch's are wrong: with
    ``threshold_mode="rel"`` and a negative metric torch takes a worse value for an improvement, and it
    takes an infinity of the good sign for the best value for ever.

    Args:
      learning_rate: the optimizer's rate or schedule, to which ``min_lr`` and ``eps`` apply.
      mode: ``"min"`` or ``"max"``.
      factor: at least 0, which goes to ``min_lr`` at once, and below 1.
      patience: bad observations that are tolerated.
      threshold: by how much a better value must differ; non-negative, and at most 1 for ``"rel"``.
      threshold_mode: ``"rel"`` for a part of the best value, ``"abs"`` for an amount.
      cooldown: observations that are ignored after a reduction.
      min_lr: floor of the rate, a scalar; for one per parameter group use `optax.partition`.
      eps: smaller reductions of the rate are not done.

    Returns:
      The transformation.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an argument is out of its range.

    Source: torch/optim/lr_scheduler.py, ``ReduceLROnPlateau``.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> plateau = jaxsched.plateau_from_torch(learning_rate=1.0, patience=1)
      >>> state = plateau.init(jnp.zeros(1))
      >>> for value in (1.0, 1.0, 1.0):
      ...     state = jaxsched.observe(plateau, state, value=value)
      ...     print(state.scale)
      1.0
      1.0
      0.1
    """
    name = "plateau_from_torch"
    checks.one_of("min", "max")(mode, f"{name}: mode")
    relative = checks.one_of("rel", "abs")(threshold_mode, f"{name}: threshold_mode") == "rel"
    threshold = CHECKS["rtol" if relative else "atol"](threshold, f"{name}: threshold")
    return _reducer(
        name,
        factor=factor,
        patience=checks.steps(patience, f"{name}: patience") + 1,
        cooldown=cooldown,
        learning_rate=learning_rate,
        min_lr=min_lr,
        eps=eps,
        rtol=threshold if relative else 0.0,
        atol=0.0 if relative else threshold,
        mode=mode,
        better=as_torch,
    )


def _reducer(name: str, **values: Any) -> optax.GradientTransformationExtraArgs:
    """The reducer of these numbers, checked by the peer's names where they are the peer's."""
    if values["learning_rate"] is None:
        allowed = "a schedule or a non-negative finite number"
        raise checks.refuse(f"{name}: learning_rate", allowed, None, TypeError)
    for key in ("patience", "cooldown", "learning_rate", "min_lr", "eps"):
        values[key] = CHECKS[key](values[key], f"{name}: {key}")
    values["factor"] = ALSO_ZERO(values["factor"], f"{name}: factor")
    plain = {"accumulation_size": 1, "min_scale": 0.0, "nonfinite": "bad", "start_step": 0}
    rule = PlateauRule(**values, **plain, axis_name=None, ema_decay=None)
    return optax.GradientTransformationExtraArgs(rule.init, rule.update)


@names_arguments("plateau_from_keras")
def plateau_from_keras(
    learning_rate: Rate,
    monitor: str = "val_loss",
    factor: float = 0.1,
    patience: int = 10,
    mode: Literal["auto", "min", "max"] = "auto",
    min_delta: float = 1e-4,
    cooldown: int = 0,
    min_lr: float = 0.0,
) -> optax.GradientTransformationExtraArgs:
    """A :func:`reduce_on_plateau` that decides as `keras.callbacks.ReduceLROnPlateau`.

    Keras counts the last observation of a cooldown again, so ``cooldown`` becomes one less; ``min_delta``
    is absolute and becomes ``atol``. Metrics are compared as Keras does, which rounds the value plus
    ``min_delta`` to float32. Two decisions differ, where Keras's are wrong: it takes a first
    value that is NaN or infinite for the best value (after NaN it never sees an improvement again), and so
    it does later with an infinity of the good sign.

    Args:
      learning_rate: the optimizer's rate or schedule, to which ``min_lr`` applies.
      monitor: the name of the metric, for ``mode="auto"``.
      factor: at least 0, which goes to ``min_lr`` at once, and below 1.
      patience: the reduction comes at this many bad observations; 0 does as 1.
      mode: ``"min"``, ``"max"``, or ``"auto"`` to tell by the name of the metric.
      min_delta: by how much a better value must differ; its sign does not matter.
      cooldown: as in Keras, where 1 does as 0.
      min_lr: floor of the rate.

    Returns:
      The transformation.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an argument is out of its range, or the direction of ``monitor`` is not known.

    Source: keras/src/callbacks/reduce_lr_on_plateau.py, ``ReduceLROnPlateau``.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> plateau = jaxsched.plateau_from_keras(learning_rate=1.0, monitor="val_accuracy", patience=2)
      >>> state = plateau.init(jnp.zeros(1))
      >>> for value in (0.5, 0.5, 0.5):
      ...     state = jaxsched.observe(plateau, state, value=value)
      ...     print(state.scale)
      1.0
      1.0
      0.1
    """
    name = "plateau_from_keras"
    mode = checks.one_of("auto", "min", "max")(mode, f"{name}: mode")
    cooldown = checks.steps(cooldown, f"{name}: cooldown")
    least = max if isinstance(cooldown, int) else jax.numpy.maximum
    direction: Any = mode_of(monitor, f"{name}: monitor") if mode == "auto" else mode
    return _reducer(
        name,
        factor=factor,
        patience=patience,
        cooldown=least(cooldown - 1, 0),
        learning_rate=learning_rate,
        min_lr=min_lr,
        eps=0.0,
        rtol=0.0,
        atol=abs(checks.finite(min_delta, f"{name}: min_delta")),
        mode=direction,
        better=as_keras,
    )
