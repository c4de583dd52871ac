"""Going on from an optax checkpoint with our transformations in place of optax's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxsched._optimizer.learning_rate import ScaleByLearningRateState
from jaxsched._optimizer.opt_state import children
from jaxsched._optimizer.plateau_state import OPTAX_FIELDS, ReduceLROnPlateauState, from_optax

_MISSING = object()


def restore_optax_state(like: Any, saved: Any, *, step: int | None = None) -> Any:
    """The state of our optimizer from the saved state of the same optimizer built with optax's parts.

    `optax.contrib.reduce_on_plateau` may have become :func:`reduce_on_plateau`, and
    `optax.scale_by_learning_rate` :func:`scale_by_learning_rate`; all else must be the same. The saved
    state may be the one optax made, or what a checkpoint gives without a template: nested dicts and lists
    with the names of the fields as keys (Orbax, msgpack), where states without arrays may be missing.

    optax does not count steps and reductions in its reducer: the count of reductions starts at 0 here.
    bfloat16 fields become float32.

    Args:
      like: a fresh state of our optimizer, ``tx.init(params)``: it gives the structure and the types.
      saved: the saved state.
      step: the number of updates already applied, which a reducer with ``start_step`` or a schedule as
        ``learning_rate`` goes by; None for 0 where optax has not saved it.

    Returns:
      The state, like ``like``.

    Raises:
      ValueError: something that ``like`` has is missing in ``saved``, or of another shape.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> params = jnp.zeros(3)
      >>> old = optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau(factor=0.5))
      >>> saved = old.init(params)  # or what a checkpoint gives back
      >>> new = jaxsched.with_plateau(optax.sgd(0.1), factor=0.5)
      >>> state = jaxsched.restore_optax_state(new.init(params), saved, step=1000)
      >>> print(jaxsched.plateau_report(state))
      scale 1, best inf, 0 reductions, 0 bad observations
    """
    return _restore(like, saved, "", step)


def _restore(like: Any, saved: Any, where: str, step: int | None) -> Any:
    if not jax.tree.leaves(like):
        return like  # a state without arrays
    if isinstance(like, ScaleByLearningRateState):
        return _rate(like, saved, where, step)
    if saved is _MISSING:
        raise ValueError(
            "restore_optax_state: saved must have all that the optimizer's state has, "
            f"got nothing at saved{where}"
        )
    if isinstance(like, ReduceLROnPlateauState):
        return _plateau(like, saved, where, step)
    below = children(like)
    if not below:
        return _array(like, saved, where)
    parts = [_restore(child, _get(saved, key), f"{where}{key}", step) for key, child in below]
    return jax.tree.unflatten(jax.tree.structure(like, is_leaf=lambda x: x is not like), parts)


def _plateau(like: Any, saved: Any, where: str, step: int | None) -> Any:
    values = {name: _get(saved, name) for name in like._fields}
    fields = {
        name: _restore(getattr(like, name), value, f"{where}.{name}", step)
        for name, value in values.items()
        if name in OPTAX_FIELDS or value is not _MISSING
    }
    if step is not None:
        record = fields.get("record", like.record)
        fields["record"] = record.at[..., 0].set(step)
    return from_optax(like, fields)


def _rate(like: Any, saved: Any, where: str, step: int | None) -> Any:
    """The count, where a schedule made optax count. optax has not saved the rate: a constant is known.

    One that is not known is infinite, as a best value is; NaN would stop under ``jax_debug_nans``.
    """
    fields = {name: _get(saved, name) for name in like._fields}
    if fields["count"] is not _MISSING and fields["learning_rate"] is _MISSING:
        fields["learning_rate"] = jnp.full_like(like.learning_rate, jnp.inf)
    if fields["count"] is _MISSING and step is not None:
        fields["count"] = step
    known = {name: value for name, value in fields.items() if value is not _MISSING}
    return like._replace(
        **{name: _array(getattr(like, name), v, f"{where}.{name}") for name, v in known.items()}
    )


def _get(saved: Any, key: Any) -> Any:
    """What is saved under a key of a pytree or the name of a field, as an attribute or in a mapping."""
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            key = getattr(key, attribute)
            break
    if isinstance(saved, Mapping):
        return saved.get(key, saved.get(str(key), _MISSING))
    if isinstance(saved, (list, tuple)):
        fields = getattr(saved, "_fields", ())
        if isinstance(key, int):
            return saved[key] if key < len(saved) else _MISSING
        if key not in fields:
            return _MISSING  # not the methods `count` and `index` of any tuple
    return getattr(saved, str(key), _MISSING)


def _array(like: Any, saved: Any, where: str) -> Any:
    value = jnp.asarray(saved)
    if value.shape != like.shape:
        raise ValueError(
            f"restore_optax_state: saved{where} must have the shape {like.shape}, got {value.shape}"
        )
    return value.astype(like.dtype)
