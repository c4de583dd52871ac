"""Between updates: giving a reducer its metric, and reading what it has done."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

import jax.numpy as jnp
import optax

from jaxsched import checks
from jaxsched._optimizer.opt_state import Found, choose
from jaxsched._optimizer.placement import rule_of
from jaxsched._optimizer.plateau_state import ReduceLROnPlateauState


def observe(
    plateau: optax.GradientTransformation,
    opt_state: Any,
    *,
    value: Any,
    name: Hashable | None = None,
    every: bool = False,
) -> Any:
    """The optimizer state after a reducer has seen one more value of its metric.

    It is for a metric that is not known in the step: the validation loss after an epoch. A pure function;
    it may be jitted, and called inside of `shard_map` if the reducer has an ``axis_name``.

    Args:
      plateau: what :func:`reduce_on_plateau` or :func:`with_plateau` returned. Of a chain of your own
        give the reducer in it, not the chain.
      opt_state: the state of the optimizer that holds the reducer, in `optax.chain`, `optax.MultiSteps`,
        `optax.masked`, `optax.partition`, `optax.inject_hyperparams` or any other pytree.
      value: the metric, a scalar.
      name: of several reducers, the one under this key of `optax.partition` or `optax.named_chain`, or at
        this path as the error message shows it.
      every: whether to give the value to all reducers found.

    Returns:
      The new optimizer state. The reduced scale applies from the next update on.

    Raises:
      TypeError: ``plateau`` is something else, or ``value`` is no number.
      ValueError: the state holds no reducer, or several of which none is named; ``value`` is no scalar.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> tx = jaxsched.with_plateau(optax.adam(1e-3), factor=0.1, patience=1)
      >>> state = tx.init(jnp.zeros(3))
      >>> for val_loss in (0.5, 0.4, 0.4):
      ...     state = jaxsched.observe(tx, state, value=val_loss)
      >>> print(jaxsched.plateau_report(state))
      scale 0.1, best 0.4, 1 reduction (last at step 0), 0 bad observations
    """
    rule = rule_of(plateau)
    if rule is None:
        allowed = "what reduce_on_plateau or with_plateau returned"
        if isinstance(plateau, (optax.GradientTransformation, optax.MultiSteps)):
            raise TypeError(  # whose repr would be functions within functions
                f"observe: plateau must be {allowed}, got another transformation: of a chain give the "
                "reducer in it, not the chain; it finds its state within that of the whole optimizer"
            )
        raise checks.refuse("observe: plateau", allowed, plateau, TypeError)
    found = Found(opt_state, ReduceLROnPlateauState)
    for i in choose(found, name, "observe", every=every):
        found[i] = rule.observed(found[i], value)
    return found.rebuild()


@dataclasses.dataclass(frozen=True)
class PlateauReport:
    """What a reducer has done so far, in Python numbers; prints as one line.

    Attributes:
      scale: what the next update is multiplied by (``min_lr`` may want more).
      best_value: the best observation yet; infinite before the first.
      num_reductions: how many times the scale was reduced.
      last_reduction_step: the step of the first update after the last reduction, or None.
      plateau_count: observations without improvement, of those that patience counts.
      cooldown_count: observations that are still to be ignored.
    """

    scale: float
    best_value: float
    num_reductions: int
    last_reduction_step: int | None
    plateau_count: int
    cooldown_count: int

    def __str__(self) -> str:
        reductions = _count(self.num_reductions, "reduction")
        if self.last_reduction_step is not None:
            reductions += f" (last at step {self.last_reduction_step})"
        text = f"scale {self.scale:g}, best {self.best_value:g}, {reductions}, "
        if self.cooldown_count:
            return text + f"cooldown for {_count(self.cooldown_count, 'observation')}"
        return text + _count(self.plateau_count, "bad observation")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def plateau_report(opt_state: Any, *, name: Hashable | None = None) -> PlateauReport:
    """What a reducer in this optimizer state has done so far, as data and, printed, as text.

    It fetches the numbers from the device: call it where the training loop logs. A reduction has happened
    since the last call if ``num_reductions`` has grown.

    Args:
      opt_state: the optimizer state.
      name: of several reducers, the one to report on, as in :func:`observe`.

    Returns:
      The report.

    Raises:
      TypeError: the state is traced, as inside of `jax.jit`.
      ValueError: the state holds no reducer, or several of which none is named, or is that of several
        runs at once, as `jax.vmap` makes it.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> tx = jaxsched.with_plateau(optax.sgd(0.1), patience=1, cooldown=3)
      >>> params = jnp.zeros(2)
      >>> state = tx.init(params)
      >>> for loss in (2.0, 1.0, 1.0, 1.0):
      ...     _, state = tx.update(params, state, params, value=loss)
      >>> jaxsched.plateau_report(state).num_reductions
      1
      >>> print(jaxsched.plateau_report(state))
      scale 0.1, best 1, 1 reduction (last at step 2), cooldown for 2 observations
    """
    found = Found(opt_state, ReduceLROnPlateauState)
    state = found[choose(found, name, "plateau_report")[0]]
    if checks.is_unknown(state.scale):
        raise TypeError(
            "plateau_report: opt_state must hold numbers, got traced arrays: call it outside of jax.jit"
        )
    if jnp.shape(state.scale):
        raise ValueError(
            "plateau_report: opt_state must be that of one run, got one of shape "
            f"{jnp.shape(state.scale)}: take one, jax.tree.map(lambda x: x[i], opt_state)"
        )
    last = int(state.last_reduction_step)
    return PlateauReport(
        scale=float(state.scale),
        best_value=float(state.best_value),
        num_reductions=int(state.num_reductions),
        last_reduction_step=None if last < 0 else last,
        plateau_count=int(state.plateau_count),
        cooldown_count=int(state.cooldown_count),
    )
