"""The state of a plateau reducer, and what goes in and out of it: metrics and updates."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsched import checks


class ReduceLROnPlateauState(NamedTuple):
    """State of :func:`jaxsched.reduce_on_plateau`: float32 and int32.

    The first six fields are those of optax's state of the same name, in optax's order;
    :func:`jaxsched.restore_optax_state` makes this state of a checkpoint that holds only them.

    Attributes:
      scale: what the next update is multiplied by (``min_lr`` may want more).
      best_value: the best observation yet; infinite as long as there is none.
      plateau_count: observations without improvement since the last improvement, reduction or cooldown.
      cooldown_count: observations that are still to be ignored.
      count: values in the running average.
      avg_value: the running average of the values given.
      applied_scale: what the last update was multiplied by; before the first, what that will be.
      record: ``step``, ``num_reductions`` and ``last_reduction_step`` along the last axis. (One array of
        three numbers costs a training loop less than three arrays.)
    """

    scale: Any
    best_value: Any
    plateau_count: Any
    cooldown_count: Any
    count: Any
    avg_value: Any
    applied_scale: Any
    record: Any

    @property
    def step(self) -> Any:
        """Optimizer updates already applied."""
        return self.record[..., 0]

    @property
    def num_reductions(self) -> Any:
        """How many times the scale was reduced."""
        return self.record[..., 1]

    @property
    def last_reduction_step(self) -> Any:
        """The step of the first update after the last reduction; -1 before the first."""
        return self.record[..., 2]


OPTAX_FIELDS = ReduceLROnPlateauState._fields[:6]


def from_optax(fresh: ReduceLROnPlateauState, fields: dict[str, Any]) -> ReduceLROnPlateauState:
    """The fresh state with what an optax state holds, its first six fields or more."""
    # An update of optax's is scaled by the scale that it has just made.
    # (Its product with 1 is another buffer, for two fields that share one could not be donated.)
    applied = fields.get("applied_scale", fields["scale"] * np.float32(1))
    best = fields["best_value"]  # an infinite one, which optax takes for the best, is none
    best = jnp.where(jnp.isfinite(best), best, fresh.best_value)
    return fresh._replace(**{**fields, "applied_scale": applied, "best_value": best})


def scalar_metric(value: Any) -> Any:
    """The metric as a float32 scalar."""
    where = "reduce_on_plateau: value"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            value = np.float64(value)
        except OverflowError:
            value = np.float64(math.inf if value > 0 else -math.inf)
    elif hasattr(value, "__jax_array__"):
        value = jnp.asarray(value)
    elif not isinstance(value, (jax.Array, np.ndarray, np.generic)):
        raise checks.refuse(where, "a scalar number", value, TypeError)
    dtype = value.dtype
    if not (jnp.issubdtype(dtype, np.floating) or jnp.issubdtype(dtype, np.integer)):
        raise checks.refuse(where, "a scalar number", dtype, TypeError)
    if value.shape != ():
        raise ValueError(f"{where} must be a scalar number, got an array of shape {value.shape}")
    if isinstance(value, jax.Array):
        return lax.convert_element_type(value, np.float32)
    with np.errstate(over="ignore"):  # beyond float32 it is infinite, and a bad observation
        return jnp.asarray(np.asarray(value).astype(np.float32))


def times(scale: Any, g: Any) -> Any:
    """An update times the scale, in its own dtype; a narrower one than float32 is rounded only once.

    Integers become float32.
    """
    g = jnp.asarray(g)
    if jnp.issubdtype(g.dtype, np.integer):
        g = lax.convert_element_type(g, np.float32)
    narrow = jnp.issubdtype(g.dtype, np.floating) and jnp.finfo(g.dtype).bits < 32
    wide = np.float32 if narrow else g.dtype
    product = lax.convert_element_type(scale, wide) * lax.convert_element_type(g, wide)
    return lax.convert_element_type(product, g.dtype)


def mean_over(axis_name: Any, value: Any) -> Any:
    try:
        return lax.pmean(value, axis_name)
    except (NameError, AssertionError, KeyError):  # the latter two from a checking shard_map
        raise ValueError(
            f"reduce_on_plateau: axis_name must be an axis of a surrounding shard_map, pmap or vmap, "
            f"got {axis_name!r}, which is not bound here"
        ) from None
