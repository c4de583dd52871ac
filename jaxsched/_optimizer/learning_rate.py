"""The learning rate as the last factor of an optimizer, recorded, and read back from an optimizer state."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jaxsched import checks
from jaxsched._optimizer.opt_state import bare, children
from jaxsched._optimizer.plateau_state import ReduceLROnPlateauState


class ScaleByLearningRateState(NamedTuple):
    """State of :func:`jaxsched.scale_by_learning_rate`.

    Attributes:
      count: updates already applied; int32.
      learning_rate: the rate of the last update, before the first that of the first; float32.
    """

    count: Any
    learning_rate: Any


def scale_by_learning_rate(
    learning_rate: optax.Schedule | float | jax.Array | None = None, *, flip_sign: bool = True
) -> optax.GradientTransformation:
    """Multiplies the updates by the (negative) learning rate, and records it in the state.

    What `optax.scale_by_learning_rate` does, bit for bit; its state, however, holds a count at most, and
    this one also the rate, where :func:`learning_rate` finds it.

    Args:
      learning_rate: a number, or a schedule or other callable from the number of updates already applied
        to the rate. None means no scaling.
      flip_sign: whether to multiply by the negative rate.

    Returns:
      A transformation whose state is a :class:`ScaleByLearningRateState`; `optax.identity` for None.

    Raises:
      TypeError: the rate is neither, or a stateful schedule.
      ValueError: the rate is not finite, or an array of several numbers.

    Source: `optax.scale_by_learning_rate`.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> schedule = jaxsched.cosine_decay_schedule(1e-3, decay_steps=100)
      >>> tx = optax.chain(optax.scale_by_rms(), jaxsched.scale_by_learning_rate(schedule))
      >>> params = jnp.zeros(3)
      >>> state = tx.init(params)
      >>> for _ in range(51):
      ...     updates, state = tx.update(jnp.ones(3), state, params)
      >>> print(f"{jaxsched.learning_rate(state):.6f}")  # of the last update, that is at step 50
      0.000500
    """
    where = "scale_by_learning_rate: learning_rate"
    checks.flag(flip_sign, "scale_by_learning_rate: flip_sign")
    if learning_rate is None:
        return optax.identity()
    if isinstance(learning_rate, type) or _is_stateful(learning_rate):
        raise checks.refuse(
            where, "a number or a callable from step to rate", learning_rate, TypeError
        )
    if not callable(learning_rate):
        _check_rate(learning_rate, where)
    sign = -1 if flip_sign else 1

    def rate_at(count: Any) -> Any:
        return learning_rate(count) if callable(learning_rate) else learning_rate

    def init(params: Any) -> ScaleByLearningRateState:
        del params
        count = jnp.zeros([], np.int32)
        return ScaleByLearningRateState(count, _as_float32(rate_at(count)))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        del params
        rate = rate_at(state.count)
        factor = sign * rate
        updates = jax.tree.map(lambda g: jnp.asarray(factor, g.dtype) * g, updates)
        new = ScaleByLearningRateState(optax.safe_increment(state.count), _as_float32(rate))
        return updates, new

    return optax.GradientTransformation(init, update)


def _is_stateful(schedule: Any) -> bool:
    """Whether optax takes it for a StatefulSchedule: called with its state, not with a step."""
    return callable(getattr(schedule, "init", None)) and callable(getattr(schedule, "update", None))


def _check_rate(rate: Any, where: str) -> None:
    if not isinstance(rate, (int, float, np.generic, np.ndarray, jax.Array)) or isinstance(
        rate, bool
    ):
        raise checks.refuse(where, "a number or a callable from step to rate", rate, TypeError)
    checks.finite(rate, where)
    shape = getattr(rate, "shape", ())
    if shape != ():
        raise ValueError(f"{where} must be a scalar, got an array of shape {shape}")


def _as_float32(x: Any) -> Any:
    return lax.convert_element_type(x, np.float32)


def learning_rate(opt_state: Any) -> Any:
    """The learning rate that the last update used, reductions on a plateau included.

    *Used*, not *next*: after an update at step ``n`` it is the rate of step ``n``, and a reduction by
    :func:`observe` shows once an update has used it. (The next rate is ``schedule(n + 1)`` times the
    ``scale`` of :func:`plateau_report`, or ``min_lr`` where that is more.) Before the first update it is
    the rate of the first; just after :func:`restore_optax_state`, with a schedule, it is infinite: optax
    has not saved it.

    It is read from the state of :func:`scale_by_learning_rate` or from `optax.inject_hyperparams`, through
    `optax.chain`, `optax.MultiSteps`, `optax.masked` (then it is the rate of the parameters under the mask)
    and all else that nests states. Rates and scales in a chain multiply. It may be called under `jax.jit`.

    Args:
      opt_state: the state of an optimizer.

    Returns:
      A float32 array, or for `optax.partition` a dict of group -> rate, of those groups that record one.

    Raises:
      ValueError: the state holds no rate; or rates under different masks, or under a mask and in a
        partition, which have no common one.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> tx = optax.inject_hyperparams(optax.rmsprop)(learning_rate=0.25)
      >>> tx = jaxsched.with_plateau(tx, factor=0.5, patience=1)
      >>> params = jnp.zeros(3)
      >>> state = tx.init(params)
      >>> for loss in (1.0, 0.9, 0.9):
      ...     updates, state = tx.update(jnp.ones(3), state, params, value=loss)
      ...     print(jaxsched.learning_rate(state))
      0.25
      0.25
      0.125
    """
    found = _walk(opt_state)
    if found.groups is not None:
        rates = {
            key: _product([*found.factors, *group.factors])
            for key, group in found.groups.items()
            if group.has_rate or found.has_rate
        }
        if rates:
            return rates
    elif found.has_rate:
        return _product(found.factors)
    reducer = (
        ", and a reducer's keeps none, not even one that it was given" if found.factors else ""
    )
    raise ValueError(
        "learning_rate: the optimizer state holds no learning rate, for optax's own states only count"
        f"{reducer}: use "
        "optax.chain(optax.scale_by_adam(), jaxsched.scale_by_learning_rate(schedule)) or "
        "optax.inject_hyperparams(optax.adam)(learning_rate=schedule)"
    )


class _Rates(NamedTuple):
    """What is below a node of the state: factors of the rate, and the groups of a partition."""

    factors: list[Any] = []  # noqa: RUF012 - never changed
    has_rate: bool = False
    masked: bool = False
    groups: Mapping[Hashable, _Rates] | None = None


def _walk(node: Any) -> _Rates:
    if isinstance(node, ScaleByLearningRateState):
        return _Rates([bare(node, ScaleByLearningRateState).learning_rate], has_rate=True)
    if isinstance(node, ReduceLROnPlateauState):
        return _Rates([bare(node, ReduceLROnPlateauState).applied_scale])
    if isinstance(node, optax.contrib.ReduceLROnPlateauState):  # it has just made its scale
        return _Rates([bare(node, optax.contrib.ReduceLROnPlateauState).scale])
    if isinstance(node, optax.transforms.PartitionState):
        return _Rates(groups={key: _group(state) for key, state in node.inner_states.items()})
    if hasattr(node, "hyperparams") and hasattr(node, "inner_state"):
        inner = _walk(node.inner_state)
        if isinstance(node.inner_state, ReduceLROnPlateauState):
            return inner  # its `learning_rate` is that of the optimizer, for `min_lr`
        if inner.has_rate or "learning_rate" not in node.hyperparams:
            return inner  # what the inner transformation recorded is what it was given
        rate = jax.tree.leaves(node.hyperparams["learning_rate"])[0]
        return inner._replace(factors=[rate, *inner.factors], has_rate=True)
    below = _in_series([_walk(child) for _, child in children(node)])
    return below._replace(masked=bool(below.factors)) if _is_masked(node) else below


def _is_masked(node: Any) -> bool:
    return isinstance(node, optax.MaskedState)


def _group(state: Any) -> _Rates:
    """A group of a partition: its mask is what makes it a group."""
    found = _walk(state.inner_state if _is_masked(state) else state)
    if found.groups is not None:
        raise ValueError("learning_rate: a partition inside of a partition has no rate per group")
    return found


def _in_series(parts: list[_Rates]) -> _Rates:
    """Transformations one after the other: their factors multiply."""
    parts = [part for part in parts if part.factors or part.groups is not None]
    if sum(part.masked for part in parts) > 1:
        raise ValueError(
            "learning_rate: there are rates under several masks, and no parameter may have them all: use "
            "optax.partition, whose groups have a rate each"
        )
    partitions = [part.groups for part in parts if part.groups is not None]
    if len(partitions) > 1:
        raise ValueError("learning_rate: there are several partitions, whose groups differ")
    if partitions and any(part.masked for part in parts):
        raise ValueError(
            "learning_rate: there are a partition and a mask, and not all of a group may be under the "
            "mask: put what is masked into the groups"
        )
    return _Rates(
        [factor for part in parts for factor in part.factors],
        any(part.has_rate for part in parts),
        any(part.masked for part in parts),
        partitions[0] if partitions else None,
    )


def _product(factors: list[Any]) -> Any:
    rate = _as_float32(factors[0])
    for factor in factors[1:]:
        rate = rate * _as_float32(factor)
    return rate
