"""What one observation of a metric does to a plateau reducer: the decision.

Everything here selects between values and never branches: a GPU may have to ask the host at a ``lax.cond``.
The state is float32 and int32 whatever the dtype of the parameters, so that a bfloat16 model decides
as its float32 twin does.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jaxsched._optimizer.plateau_state import (
    OPTAX_FIELDS,
    ReduceLROnPlateauState,
    from_optax,
    mean_over,
    scalar_metric,
    times,
)

_STEP = np.array([1, 0, 0], np.int32)
_REDUCTIONS = np.array([0, 1, 0], np.int32)
_LAST = np.array([0, 0, 1], np.int32)


def _float(x: Any) -> Any:
    """A hyperparameter as float32; a concrete one is rounded once, from float64."""
    if isinstance(x, (float, int)):
        return np.float32(x)
    return lax.convert_element_type(x, np.float32)


def _int(x: Any) -> Any:
    if isinstance(x, int):
        return np.int32(min(x, np.iinfo(np.int32).max))
    return lax.convert_element_type(x, np.int32)


def _is(x: Any, number: int) -> bool:
    """Whether a hyperparameter is known to be this number, so that what it switches off is left out."""
    return isinstance(x, (int, float)) and x == number


@dataclasses.dataclass(frozen=True, eq=False)
class PlateauRule:
    """The hyperparameters of a reducer and what they decide. Arguments are checked by its makers."""

    factor: Any
    patience: Any
    rtol: Any
    atol: Any
    cooldown: Any
    accumulation_size: Any
    min_scale: Any
    mode: str
    nonfinite: str
    start_step: Any
    axis_name: Any
    ema_decay: Any
    learning_rate: Any
    min_lr: Any
    eps: Any
    better: Callable[..., Any]  # a comparison of `improvement`

    def init(self, params: Any = None) -> ReduceLROnPlateauState:
        del params
        worst = math.inf if self.mode == "min" else -math.inf
        real = lambda x: jnp.asarray(x, np.float32)
        whole = lambda x: jnp.asarray(x, np.int32)
        return ReduceLROnPlateauState(
            scale=real(1),
            best_value=real(worst),
            plateau_count=whole(0),
            cooldown_count=whole(0),
            count=whole(0),
            avg_value=real(0),
            applied_scale=real(1),
            record=whole([0, 0, -1]),
        )

    def update(
        self, updates: Any, state: Any, params: Any = None, *, value: Any = None, **extra_args: Any
    ) -> tuple[Any, ReduceLROnPlateauState]:
        del params, extra_args
        state = self.own(state)
        if value is not None:
            state = self.observe(state, value)
        return self.apply(updates, state)

    def own(self, state: Any) -> ReduceLROnPlateauState:
        """The state of this reducer; of an optax state, what it holds."""
        if hasattr(state, "record"):
            return state
        if not all(hasattr(state, name) for name in OPTAX_FIELDS):
            raise TypeError(
                f"reduce_on_plateau: the state must be a plateau reducer's, got {type(state).__name__}"
            )
        if callable(self.learning_rate) or not _is(self.start_step, 0):
            raise TypeError(
                "reduce_on_plateau: start_step and a schedule as learning_rate go by the step, which "
                "optax's state does not hold: convert it with jaxsched.restore_optax_state(..., step=...)"
            )
        fresh = self.init()
        fields = {
            name: lax.convert_element_type(getattr(state, name), getattr(fresh, name).dtype)
            for name in OPTAX_FIELDS
        }
        return from_optax(fresh, fields)

    def observe(
        self, state: ReduceLROnPlateauState, value: Any, *, taken: Any = True, emitted: Any = None
    ) -> ReduceLROnPlateauState:
        """The state after one more value of the metric.

        Args:
          state: the state before.
          value: the metric.
          taken: whether the value counts at all.
          emitted: whether the value comes with the last micro-batch of an optimizer step, of which
            ``accumulation_size`` make a block; None where blocks are of so many values.
        """
        value = scalar_metric(value)
        if self.axis_name is not None:
            value = mean_over(self.axis_name, value)
        if not _is(self.start_step, 0):
            taken = taken & (state.step >= _int(self.start_step))
        if self.nonfinite == "ignore":
            taken = taken & jnp.isfinite(value)
        if self.ema_decay is not None:
            state, value = self._smooth(state, value, taken)
        elif emitted is not None or not _is(self.accumulation_size, 1):
            state, value, taken = self._accumulate(state, value, taken, emitted)
        return self._decide(state, value, taken)

    def observed(self, state: ReduceLROnPlateauState, value: Any) -> ReduceLROnPlateauState:
        """The state after one more value between updates."""
        state = self.observe(state, value)
        first = jnp.where(state.step == 0, self.factor_at(state), state.applied_scale)
        return state._replace(applied_scale=first)

    def _accumulate(self, state: Any, value: Any, taken: Any, emitted: Any) -> Any:
        """The state and the mean with one more value in the block, and whether the block is complete."""
        size = _int(self.accumulation_size)
        count = optax.safe_increment(state.count)
        n = lax.convert_element_type(count, np.float32)
        mean = (lax.convert_element_type(state.count, np.float32) * state.avg_value + value) / n
        if emitted is None:
            full = taken & (count >= size)
            mean = jnp.where(taken, mean, state.avg_value)
            count = jnp.where(taken, count, state.count)
        else:  # also where the last value is not taken
            mean = jnp.where(taken, mean, state.avg_value)
            count = jnp.where(taken, count, state.count)
            steps = state.step - _int(self.start_step) + np.int32(1)
            full = emitted & (count > 0) & (lax.rem(steps, size) == 0)
        kept = state._replace(
            avg_value=jnp.where(full, np.float32(0), mean),
            count=jnp.where(full, np.int32(0), count),
        )
        return kept, mean, full

    def _smooth(self, state: Any, value: Any, taken: Any) -> Any:
        """The state and the exponential average with one more value.

        A value that is not finite is judged as it is, and the average goes on without it.
        """
        count = optax.safe_increment(state.count)
        average = state.avg_value + self._ema_weight(count) * (value - state.avg_value)
        finite = jnp.isfinite(value)
        kept = state._replace(
            avg_value=jnp.where(taken & finite, average, state.avg_value),
            count=jnp.where(taken & finite, count, state.count),
        )
        return kept, jnp.where(finite, average, value)

    def _ema_weight(self, count: Any) -> Any:
        """The weight of the count-th value in a bias-corrected exponential average: (1-d) / (1-d^n)."""
        decay = self.ema_decay
        if isinstance(decay, float):
            log = np.float32(math.log(decay) if decay else -math.inf)
        else:
            log = jnp.log(_float(decay))
        total = -jnp.expm1(lax.convert_element_type(count, np.float32) * log)
        weight = _float(1 - decay) / total
        return jnp.where(count > 1, weight, np.float32(1))  # the first value is taken as it is

    def _decide(self, state: ReduceLROnPlateauState, value: Any, decides: Any) -> Any:
        sign = 1 if self.mode == "min" else -1
        better = self.better(value, state.best_value, sign, self.rtol, self.atol)
        improved = decides & better
        bad = jnp.where(improved, np.int32(0), state.plateau_count + np.int32(1))
        bad = jnp.where(state.cooldown_count > 0, np.int32(0), bad)
        fires = bad >= jnp.maximum(_int(self.patience), np.int32(1))
        cooled = jnp.maximum(state.cooldown_count - np.int32(1), np.int32(0))
        lower = state.scale * _float(self.factor)
        if not _is(self.min_scale, 0):  # below a scale that is there already it is no reduction
            lower = jnp.maximum(lower, _float(self.min_scale))
        reduces = decides & fires & self._is_reduction(state, lower)
        return state._replace(
            scale=jnp.where(reduces, lower, state.scale),
            best_value=jnp.where(improved, value, state.best_value),
            plateau_count=jnp.where(
                decides, jnp.where(fires, np.int32(0), bad), state.plateau_count
            ),
            cooldown_count=jnp.where(
                decides, jnp.where(fires, _int(self.cooldown), cooled), state.cooldown_count
            ),
            record=jnp.where(reduces, self._with_reduction(state), state.record),
        )

    def _with_reduction(self, state: ReduceLROnPlateauState) -> Any:
        since = state.step - state.last_reduction_step
        return state.record + _REDUCTIONS + _LAST * since

    def _is_reduction(self, state: ReduceLROnPlateauState, lower: Any) -> Any:
        """Whether the lower scale makes the rate lower, and by more than eps."""
        if self.min_lr is None and self.eps is None:
            return lower < state.scale
        base = self._base(state.step)
        change = base * self._multiplier(state.scale, base) - base * self._multiplier(lower, base)
        return change > _float(0.0 if self.eps is None else self.eps)

    def _base(self, step: Any) -> Any:
        if not callable(self.learning_rate):
            return _float(self.learning_rate)
        rate = jnp.asarray(self.learning_rate(step))
        if rate.shape != jnp.shape(step):
            raise ValueError(
                "reduce_on_plateau: learning_rate must return a scalar, got an array of shape "
                f"{rate.shape}"
            )
        return lax.convert_element_type(rate, np.float32)

    def _multiplier(self, scale: Any, base: Any) -> Any:
        """What multiplies the base rate, so that the rate is max(base*scale, min(base, min_lr))."""
        if self.min_lr is None:
            return scale
        floor = _float(self.min_lr)
        above = base > floor
        base = jnp.where(above, base, np.float32(1))
        least = floor / base
        least = jnp.where(base * least < floor, jnp.nextafter(least, np.float32(1)), least)
        return jnp.maximum(scale, jnp.where(above, least, np.float32(1)))

    def factor_at(self, state: ReduceLROnPlateauState) -> Any:
        """What the next update is multiplied by."""
        if self.min_lr is None:
            return state.scale
        return self._multiplier(state.scale, self._base(state.step))

    def apply(
        self, updates: Any, state: ReduceLROnPlateauState, *, emitted: Any = None
    ) -> tuple[Any, ReduceLROnPlateauState]:
        """The scaled updates, and the state after them.

        Args:
          updates: the updates to scale.
          state: the state before.
          emitted: whether these are the updates of an optimizer step; None for certainly. Others, such as
            those of parameters outside of a MultiSteps, are scaled as at the last step.
        """
        applied = self.factor_at(state)
        counts = state.step < np.iinfo(np.int32).max
        if emitted is not None:
            counts = counts & emitted
            applied = jnp.where(emitted, applied, state.applied_scale)
        record = state.record + _STEP * lax.convert_element_type(counts, np.int32)
        updates = jax.tree.map(lambda g: times(applied, g), updates)
        # The product is a buffer of its own: two fields that share one could not be donated.
        return updates, state._replace(applied_scale=applied * np.float32(1), record=record)
