"""The place of a plateau reducer, which is after the optimizer."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import jax
import optax

from jaxsched import checks
from jaxsched._core.form import refuse_unknown
from jaxsched._optimizer.plateau import reduce_on_plateau
from jaxsched._optimizer.plateau_rule import PlateauRule

P = ParamSpec("P")


@dataclasses.dataclass(frozen=True, eq=False)
class _Placed:
    """An optimizer with a reducer after it; the state is that of ``optax.chain(optimizer, reducer)``."""

    optimizer: Any
    rule: PlateauRule

    def init(self, params: Any) -> tuple[Any, Any]:
        before = self.optimizer.init(params)
        self._accumulator(before)
        return before, self.rule.init(params)

    def update(
        self, updates: Any, state: Any, params: Any = None, *, value: Any = None, **extra_args: Any
    ) -> tuple[Any, Any]:
        if not (isinstance(state, tuple) and len(state) == 2):
            raise TypeError(
                "with_plateau: the state must be that of the optimizer and the reducer, as init makes it, "
                f"got {type(state).__name__}"
            )
        before, plateau = state
        if isinstance(self.optimizer, (optax.GradientTransformationExtraArgs, optax.MultiSteps)):
            given = extra_args if value is None else {**extra_args, "value": value}
            updates, after = self.optimizer.update(updates, before, params, **given)
        else:
            updates, after = self.optimizer.update(updates, before, params)
        multi = self._accumulator(before)
        if multi is None:
            updates, plateau = self.rule.update(updates, plateau, value=value)
            return updates, (after, plateau)
        multi_after = self._accumulator(after)
        plateau = self.rule.own(plateau)
        emitted = multi_after.gradient_step != multi.gradient_step
        if value is not None:
            taken = emitted | (multi_after.mini_step != multi.mini_step)  # else it was skipped
            plateau = self.rule.observe(plateau, value, taken=taken, emitted=emitted)
        updates, plateau = self.rule.apply(updates, plateau, emitted=emitted)
        return updates, (after, plateau)

    def _accumulator(self, state: Any) -> Any:
        """The state of the `optax.MultiSteps` in the optimizer's; None if there is none.

        Raises:
          ValueError: there are several, or one beside ``ema_decay``.
        """
        found = accumulators(state)
        if not found:
            return None
        if len(found) > 1:
            raise ValueError(
                f"with_plateau: optimizer must hold at most one optax.MultiSteps, got {len(found)}: "
                "put one around the whole optimizer"
            )
        if self.rule.ema_decay is not None:
            raise ValueError("with_plateau: ema_decay cannot be used with optax.MultiSteps")
        return found[0]


def accumulators(state: Any) -> list[Any]:
    """All states of `optax.MultiSteps` in an optimizer state, also one inside of another."""
    is_multi = lambda x: isinstance(x, optax.MultiStepsState)
    found = [node for node in jax.tree.leaves(state, is_leaf=is_multi) if is_multi(node)]
    return [*found, *(below for node in found for below in accumulators(node.inner_opt_state))]


Optimizer = optax.GradientTransformation | optax.MultiSteps


def _placing(
    reducer: Callable[P, optax.GradientTransformationExtraArgs],
) -> Callable[[Any], Callable[Concatenate[Optimizer, P], optax.GradientTransformationExtraArgs]]:
    """Gives a function the signature of the reducer with ``optimizer`` before it."""

    def decorate(function: Any) -> Any:
        signature = inspect.signature(reducer)
        optimizer = inspect.Parameter("optimizer", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = [optimizer, *signature.parameters.values()]
        function.__signature__ = signature.replace(parameters=parameters)
        return function

    return decorate


@_placing(reduce_on_plateau)
def with_plateau(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
    """The optimizer with :func:`reduce_on_plateau` in its place, which is after it.

    The state is that of ``optax.chain(optimizer, reduce_on_plateau(...))``.

    With an `optax.MultiSteps` anywhere in the optimizer the metric of all micro-batches counts: a value is
    the mean over the micro-batches of one update, or of ``accumulation_size`` updates; decisions are made
    when the update is emitted, if a value comes with that micro-batch; and steps are updates. A reducer
    inside of MultiSteps sees the last micro-batch only.

    Args:
      optimizer: an optax optimizer, or `optax.MultiSteps` around one.
      *args: the arguments of :func:`reduce_on_plateau`.
      **kwargs: likewise.

    Returns:
      A transformation; :func:`observe` accepts it as the reducer.

    Raises:
      TypeError: the optimizer is none, or a reducer, or an argument is of the wrong type.
      ValueError: as :func:`reduce_on_plateau`; and, when the state is made, for several MultiSteps or one
        with ``ema_decay``.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax, jaxsched
      >>> tx = jaxsched.with_plateau(optax.rmsprop(1e-3), factor=0.5, patience=5)
      >>> params = jnp.zeros(3)
      >>> state = tx.init(params)
      >>> updates, state = tx.update(jnp.ones(3), state, params, value=0.7)
      >>> state = jaxsched.observe(tx, state, value=0.6)
      >>> print(jaxsched.plateau_report(state))
      scale 1, best 0.6, 0 reductions, 0 bad observations
    """
    if not (
        callable(getattr(optimizer, "init", None)) and callable(getattr(optimizer, "update", None))
    ):
        raise checks.refuse("with_plateau: optimizer", "an optax optimizer", optimizer, TypeError)
    if isinstance(getattr(optimizer.update, "__self__", None), PlateauRule):
        raise TypeError(
            "with_plateau: optimizer must be an optax optimizer, got a reducer: with_plateau makes that "
            "itself, of the arguments after the optimizer: with_plateau(optimizer, factor=0.5, patience=3)"
        )
    refuse_unknown("with_plateau", kwargs, tuple(inspect.signature(with_plateau).parameters))
    rule: Any = rule_of(reduce_on_plateau(*args, **kwargs))
    # Only as MultiSteps, not as its `gradient_transformation()`, does it pass the metric on.
    inner = getattr(optimizer.update, "__self__", None)
    placed = _Placed(inner if isinstance(inner, optax.MultiSteps) else optimizer, rule)
    return optax.GradientTransformationExtraArgs(placed.init, placed.update)


def rule_of(transformation: Any) -> PlateauRule | None:
    """The rule by which a transformation made here decides; None for any other."""
    owner = getattr(getattr(transformation, "update", None), "__self__", None)
    if isinstance(owner, _Placed):
        owner = owner.rule
    return owner if isinstance(owner, PlateauRule) else None
