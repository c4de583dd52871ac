"""torch's schedulers as schedules with the same curve; torch itself is not imported."""

from __future__ import annotations

from typing import Any, Literal, overload

import optax

from jaxsched import checks, plateau_from_torch
from jaxsched._core.schedule import Schedule
from jaxsched.interop import _peer
from jaxsched.interop._torch_classes import ALL, PLATEAU, WHERE, Leaf, Node, has_function
from jaxsched.interop._torch_compose import rate_of
from jaxsched.interop._torch_cycles import cyclic_momentum, one_cycle_momentum
from jaxsched.interop._torch_names import named
from jaxsched.interop._torch_objects import class_of, live

NAMES = ALL
_MOMENTUM = {"CyclicLR": cyclic_momentum, "OneCycleLR": one_cycle_momentum}


@overload
def from_torch(
    scheduler: Literal["ReduceLROnPlateau", "torch.optim.lr_scheduler.ReduceLROnPlateau"],
    **hyperparameters: Any,
) -> optax.GradientTransformationExtraArgs: ...
@overload
def from_torch(
    scheduler: str,
    group: int = 0,
    quantity: Literal["lr", "momentum"] = "lr",
    steps: int | None = None,
    **hyperparameters: Any,
) -> Schedule: ...
@overload
def from_torch(
    scheduler: Any,
    group: int = 0,
    quantity: Literal["lr", "momentum"] = "lr",
    steps: int | None = None,
) -> Any: ...
def from_torch(
    scheduler: Any,
    group: int = 0,
    quantity: Literal["lr", "momentum"] = "lr",
    steps: int | None = None,
    **hyperparameters: Any,
) -> Any:
    """A schedule with the curve of one of torch's schedulers, or a reducer that decides as torch's.

    Every class of `torch.optim.lr_scheduler`, and `SWALR`: as the object, or by name with the rate of the
    optimizer as ``lr`` and torch's own keyword arguments, for which torch need not be installed. A step of
    the schedule is a call of ``scheduler.step()``: if that is done once an epoch,
    :func:`jaxsched.by_epoch` makes updates of it. An object that has taken steps is converted from its
    start, of its base rates and arguments as they are now; :func:`torch_position` tells its step. (But no
    `ReduceLROnPlateau` that has taken steps, which does not keep its base rate.)

    `SequentialLR` and `ChainedScheduler` are converted with all they hold, as torch runs them; by name they
    are given ``schedulers=[(name, arguments), ...]`` and ``milestones``. What has no closed form
    is refused, with the reason. `OneCycleLR` raises in torch past its end; here its last value is held.

    Args:
      scheduler: an object, or the name of a class, which may have its path before it, as in
        ``"torch.optim.lr_scheduler.StepLR"``.
      group: only of an object, the number of the optimizer's parameter group.
      quantity: ``"lr"``, or ``"momentum"`` for the momentum (or first beta) that `CyclicLR` and
        `OneCycleLR` move against the rate.
      steps: for how many steps the functions of `LambdaLR`, `MultiplicativeLR` and `CyclicLR` are called
        now and kept as a table, whose last value is held; refused where there is none. Without it a
        function is called by the schedule, and must be one that JAX can trace to be used on the
        device; `MultiplicativeLR` needs it.
      **hyperparameters: for a name: ``lr`` (not for `CyclicLR` and `OneCycleLR`, which have their
        own) and the arguments of the class.

    Returns:
      A :class:`jaxsched.Schedule`, made of jaxsched's public factories. For `ReduceLROnPlateau` a
      :func:`jaxsched.reduce_on_plateau` in its first state, for the base rate of the group.

    Raises:
      TypeError: the scheduler is no name and no object of a class of torch, hyperparameters are given
        beside an object, or one is unknown, missing or of the wrong type.
      ValueError: an argument is out of its range, ``steps`` is missing, an argument is given that is of no
        use, no momentum is moved, there is no closed form, or one would need too long a table.

    Source: torch/optim/lr_scheduler.py and torch/optim/swa_utils.py of torch 2.13.

    Example:
      >>> from jaxsched.interop.torch import from_torch
      >>> from_torch("ExponentialLR", lr=0.1, gamma=0.5)(3)
      0.0125
      >>> schedule = from_torch(
      ...     "SequentialLR", lr=1.0, milestones=[4],
      ...     schedulers=[("LinearLR", {"start_factor": 0.2, "total_iters": 4}), ("PolynomialLR", {})])
      >>> [round(schedule(step), 6) for step in (0, 2, 4, 6, 9)]
      [0.2, 0.6, 1.0, 0.6, 0.0]
      >>> from_torch("StepLR", lr=0.1)
      Traceback (most recent call last):
      TypeError: from_torch: StepLR: missing argument 'step_size'; allowed are lr, step_size, gamma
    """
    quantity = checks.one_of("lr", "momentum")(quantity, f"{WHERE}: quantity")
    steps = checks.optional(checks.positive_steps)(steps, f"{WHERE}: steps")
    _peer.refuse_class(scheduler, WHERE, "scheduler")
    by_name = isinstance(scheduler, str)
    if by_name:
        name = _peer.known(scheduler, ALL, WHERE, "scheduler", "torch")
        _peer.refuse_group(group, WHERE)
    else:
        _peer.refuse_hyperparameters(hyperparameters, WHERE)
        name = class_of(scheduler)
    if name == "ReduceLROnPlateau":
        if steps is not None:
            raise _no_table(name, steps)
        if quantity != "lr":
            raise _no_momentum(name)
        return _plateau(hyperparameters) if by_name else _live_plateau(scheduler, group)
    node = named(name, hyperparameters) if by_name else live(scheduler, group)
    if steps is not None and not has_function(node):
        raise _no_table(name, steps)
    if quantity == "lr":
        return rate_of(node, steps)
    return _momentum(name, node, steps)


def torch_position(scheduler: Any) -> int:
    """How many steps one of torch's schedulers has taken: the step of the schedule to go on from.

    Args:
      scheduler: an object of one of torch's scheduler classes.

    Returns:
      The number of calls of its ``step()`` so far, its ``last_epoch``.

    Raises:
      TypeError: it is no object of such a class.
      ValueError: its position is not a number of steps.

    Example:
      With a live object, ``from_torch(scheduler)(torch_position(scheduler))`` is the rate that is now in
      its optimizer, and the position is the count to put into the state of the Optax optimizer.
    """
    where = "torch_position"
    name = class_of(scheduler, where)
    if name == "ChainedScheduler":  # it keeps no count of its own
        return torch_position(_peer.attribute(scheduler, "_schedulers", where)[0])
    if name == "CosineAnnealingWarmRestarts":  # its last_epoch is rounded down
        since = _peer.attribute(scheduler, "T_cur", where)
        if since != int(since):
            raise checks.refuse(
                f"{where}: T_cur",
                "a whole number of steps (step(epoch) was called with a fraction of an epoch: no step of "
                "the schedule has the rate that is in the optimizer now)",
                since,
            )
    return checks.steps(_peer.attribute(scheduler, "last_epoch", where), f"{where}: last_epoch")


def _no_table(name: str, steps: int) -> Exception:
    allowed = f"left out for a {name}, which has no function to tabulate"
    return checks.refuse(f"{WHERE}: steps", allowed, steps)


def _no_momentum(name: str) -> ValueError:
    return ValueError(
        f"{WHERE}: quantity must be 'lr' for a {name}, which moves no momentum (a CyclicLR or "
        "OneCycleLR within it is converted alone), got 'momentum'"
    )


def _momentum(name: str, node: Node, steps: int | None) -> Schedule:
    if name not in _MOMENTUM or not isinstance(node, Leaf):
        raise _no_momentum(name)
    if not node.arguments["cycle_momentum"]:
        raise ValueError(f"{WHERE}: quantity must be 'lr' for cycle_momentum=False, got 'momentum'")
    return _MOMENTUM[name](node.arguments, steps, node.where)


def _plateau(given: dict[str, Any]) -> optax.GradientTransformationExtraArgs:
    parameters = {"lr": _peer.Parameter(checks.positive), **PLATEAU}
    values = _peer.arguments(given, parameters, f"{WHERE}: ReduceLROnPlateau")
    return plateau_from_torch(values.pop("lr"), **values)


def _live_plateau(scheduler: Any, group: int) -> optax.GradientTransformationExtraArgs:
    where = f"{WHERE}: ReduceLROnPlateau"
    params = _peer.param_group(scheduler, group, where)
    found = {key: _peer.attribute(scheduler, key, where) for key in PLATEAU if key != "min_lr"}
    floors = _peer.attribute(scheduler, "min_lrs", where)
    found["min_lr"] = _peer.item(floors, group, "min_lrs", where)
    taken = _peer.attribute(scheduler, "last_epoch", where)
    if "initial_lr" not in params and taken > 0:  # torch notes none for this class
        raise ValueError(
            f"{where}: its base rate is not kept, and in {taken} steps it may have reduced the rate; give "
            "it by name with lr= (the rate the optimizer was made with) and its arguments, or convert "
            "the object before its first step"
        )
    found["lr"] = params.get("initial_lr", params["lr"])
    return _plateau(found)
