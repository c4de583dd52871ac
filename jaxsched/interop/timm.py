"""timm's schedulers as schedules with the same curve; timm itself is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

import optax

from jaxsched import checks, plateau_from_torch
from jaxsched._core.schedule import Schedule
from jaxsched.interop import _peer
from jaxsched.interop._timm_forms import FORMS, PARAMETERS
from jaxsched.interop._timm_noise import with_timm_noise

_WHERE = "from_timm"
NAMES = (*FORMS, "PlateauLRScheduler")
_SHORT = {
    "cosine": "CosineLRScheduler",
    "tanh": "TanhLRScheduler",
    "poly": "PolyLRScheduler",
    "step": "StepLRScheduler",
    "multistep": "MultiStepLRScheduler",
    "wsd": "WSDLRScheduler",
    "plateau": "PlateauLRScheduler",
}
"""What `create_scheduler` (``--sched``) calls the classes."""
_RATE = {"lr": _peer.Parameter(checks.finite)}
_PLATEAU = {
    "decay_rate": _peer.Parameter(_peer.shrink, 0.1),
    "patience_t": _peer.Parameter(_peer.patience, 10),
    "threshold": _peer.Parameter(checks.nonnegative, 1e-4),
    "cooldown_t": _peer.Parameter(_peer.cooldown, 0),
    "warmup_t": _peer.Parameter(_peer.whole(checks.steps), 0),
    "lr_min": _peer.Parameter(_peer.floor, 0.0),
    "mode": _peer.Parameter(checks.one_of("min", "max"), "max"),
    "noise_range_t": _peer.Parameter(_peer.anything, None),
}


@overload
def from_timm(
    scheduler: Literal["PlateauLRScheduler", "plateau"], **hyperparameters: Any
) -> optax.GradientTransformationExtraArgs: ...
@overload
def from_timm(
    scheduler: str, group: int = 0, steps: int | None = None, **hyperparameters: Any
) -> Schedule: ...
@overload
def from_timm(scheduler: Any, group: int = 0, steps: int | None = None) -> Any: ...
def from_timm(
    scheduler: Any, group: int = 0, steps: int | None = None, **hyperparameters: Any
) -> Any:
    """A schedule with the curve of one of timm's schedulers, or a reducer that decides as timm's.

    Cosine, tanh, poly, step, multistep and WSD with cycles, warmup, k-decay, ``lr_scale`` and noise, as
    the object or by the name of its class with the rate of the optimizer as ``lr`` and timm's own keyword
    arguments; for the latter neither timm nor torch need be installed. Step ``t`` of the schedule is what
    ``scheduler.step(t)`` sets (``step_update(t)`` where ``t_in_epochs`` is False), so that with
    ``t_in_epochs`` its steps are epochs: :func:`jaxsched.by_epoch` makes updates of them.

    Where a cycle begins, timm's logarithm is now and then rounded to the cycle before, for that one step.
    Here the cycle begins.

    Args:
      scheduler: an object, or the name of a class: ``"CosineLRScheduler"``, its path, or ``"cosine"``, as
        timm's ``--sched`` calls it. The arguments are those of the class in each case, not those of
        `create_scheduler`.
      group: only of an object, the number of the optimizer's parameter group.
      steps: how many steps noise that has no end is tabulated for; there is none after them. Refused
        where no noise is without an end.
      **hyperparameters: for a name: ``lr`` and the arguments of the class.

    Returns:
      A :class:`jaxsched.Schedule`, made of jaxsched's public factories. For `PlateauLRScheduler` a
      :func:`jaxsched.reduce_on_plateau` in its first state, for the base rate of the group.

    Raises:
      TypeError: the scheduler is no name and no object of a class of timm, hyperparameters are given
        beside an object, or one is unknown, missing or of the wrong type.
      ValueError: an argument is out of its range, ``steps`` is missing or of no use, there is no exact
        conversion, or noise is asked for more steps than a table should have.

    Source: timm/scheduler/ of timm 1.0.

    Example:
      >>> from jaxsched.interop.timm import from_timm
      >>> schedule = from_timm(
      ...     "CosineLRScheduler", lr=1.0, t_initial=10, warmup_t=4, warmup_prefix=True)
      >>> [round(schedule(epoch), 4) for epoch in (0, 2, 4, 9, 14)]
      [0.0, 0.5, 1.0, 0.5, 0.0]
      >>> from_timm("StepLRScheduler", lr=1.0, decay_rate=0.5, decay_t=2.4)(5)
      0.25
    """
    steps = checks.optional(checks.positive_steps)(steps, f"{_WHERE}: steps")
    if isinstance(scheduler, str):
        _peer.refuse_group(group, _WHERE)
        scheduler = _SHORT.get(scheduler, scheduler)
        name = _peer.known(scheduler, NAMES, _WHERE, "scheduler", "timm")
        parameters = _PLATEAU if name == "PlateauLRScheduler" else PARAMETERS[name]
        values = _peer.arguments(hyperparameters, _RATE | parameters, f"{_WHERE}: {name}")
        base, scale = values.pop("lr"), 1.0
    else:
        name = _peer.own_class(scheduler, "timm", NAMES, _WHERE)
        _peer.refuse_hyperparameters(hyperparameters, _WHERE)
        values, base, scale = _read(scheduler, name, group)
    where = f"{_WHERE}: {name}"
    if name == "PlateauLRScheduler":
        if steps is not None:
            allowed = f"left out for a {name}, which has no noise to tabulate"
            raise checks.refuse(f"{_WHERE}: steps", allowed, steps)
        return _plateau(base * scale, values, where)
    for key in ("lr_min", "warmup_lr_init"):
        if key in values:
            values[key] *= scale
    values.setdefault("noise_type", "normal")
    if values["noise_seed"] is None:
        values["noise_seed"] = 42
    return with_timm_noise(FORMS[name](base * scale, values, where), values, steps, where)


def _read(scheduler: Any, name: str, group: int) -> tuple[dict[str, Any], float, float]:
    """An object's arguments, the base rate of a group, and the group's own factor on every rate."""
    where = f"{_WHERE}: {name}"
    params = _peer.param_group(scheduler, group, where)
    base = _peer.item(_peer.attribute(scheduler, "base_values", where), group, "base_values", where)
    base = checks.finite(base, f"{where}: base_values[{group}]")
    scale = checks.finite(_peer.number(params.get("lr_scale", 1.0)), f"{where}: lr_scale")
    if name == "PlateauLRScheduler":
        return _peer.arguments(_read_plateau(scheduler, group, where), _PLATEAU, where), base, scale
    found = {key: _peer.attribute(scheduler, key, where) for key in PARAMETERS[name]}
    values = _peer.arguments(found, PARAMETERS[name], where)
    values["noise_type"] = _peer.attribute(scheduler, "noise_type", where)
    return values, base, scale


def _read_plateau(scheduler: Any, group: int, where: str) -> Mapping[str, Any]:
    own = _peer.attribute(scheduler, "lr_scheduler", where)
    names = {
        "decay_rate": "factor",
        "patience_t": "patience",
        "threshold": "threshold",
        "cooldown_t": "cooldown",
        "mode": "mode",
    }
    found = {ours: _peer.attribute(own, theirs, where) for ours, theirs in names.items()}
    floors = _peer.attribute(own, "min_lrs", where)
    found["lr_min"] = _peer.item(floors, group, "min_lrs", where)
    for key in ("warmup_t", "noise_range_t"):
        found[key] = _peer.attribute(scheduler, key, where)
    return found


def _plateau(base: float, values: Mapping[str, Any], where: str) -> Any:
    if values["warmup_t"]:
        raise ValueError(
            f"{where}: warmup_t must be 0, got {values['warmup_t']}: a reducer has no warmup; give the "
            "optimizer jaxsched.with_warmup(...) as its rate, and the reducer no metric before its end"
        )
    if values["noise_range_t"] is not None:
        raise ValueError(
            f"{where}: noise_range_t must be None, got {values['noise_range_t']!r}: a reducer has no "
            "noise; give the optimizer jaxsched.with_noise(...) as its rate"
        )
    return plateau_from_torch(
        checks.positive(base, f"{where}: lr"),
        mode=values["mode"],
        factor=values["decay_rate"],
        patience=values["patience_t"],
        threshold=values["threshold"],
        cooldown=values["cooldown_t"],
        min_lr=values["lr_min"],
    )
