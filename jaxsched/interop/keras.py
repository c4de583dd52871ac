"""Keras's schedules and callbacks as schedules with the same curve; Keras itself is not imported."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import optax

from jaxsched import checks, plateau_from_keras
from jaxsched._core.form import refuse_unknown
from jaxsched._core.near import did_you_mean
from jaxsched._core.schedule import Schedule
from jaxsched._forms.tabulate import tabulate_by_epoch
from jaxsched.interop import _peer
from jaxsched.interop._keras_forms import CHECKS, FORMS, TABULATE, single

Rate = Callable[[Any], Any] | float | jax.Array | np.ndarray

_MODULES = frozenset({"keras", "keras_core", "tf_keras", "tensorflow"})
_CALLBACKS = {
    "LearningRateScheduler": ("schedule", "verbose"),
    "ReduceLROnPlateau": (
        "monitor", "factor", "patience", "verbose", "mode", "min_delta", "cooldown", "min_lr",
    ),
}  # fmt: skip
NAMES = (*FORMS, *_CALLBACKS)
_USED = {
    "LearningRateScheduler": ("learning_rate", "steps_per_epoch", "epochs"),
    "ReduceLROnPlateau": ("learning_rate",),
}


def from_keras(
    schedule: Any,
    learning_rate: Rate | None = None,
    steps_per_epoch: int | None = None,
    epochs: int | None = None,
    **hyperparameters: Any,
) -> Schedule | optax.GradientTransformationExtraArgs:
    """A schedule with the curve of one of Keras's, or a reducer that decides as Keras's callback.

    Every class of `keras.optimizers.schedules`, as the object, by name with Keras's own keyword arguments,
    as what `serialize` makes of it, or as ``{"class_name": ..., "config": {...}}`` with the arguments of
    the class: but for the object Keras need not be installed. And the callbacks `LearningRateScheduler`
    (not by name alone) and `ReduceLROnPlateau`, likewise.

    The curve is the one Keras's formula has; Keras computes it in float32. A length that is a fraction
    of a step, as in ``decay_steps=468.75``, is converted exactly where its denominator is at most 256
    (by :func:`jaxsched.stretch`, whose clock on the device, without x64, ends at 2**31 - 1 such parts).

    Args:
      schedule: an object of Keras, the name of its class, which may have its path before it, or the name
        and the arguments as a mapping.
      learning_rate: only for callbacks, which change the optimizer's rate: that rate. For
        `ReduceLROnPlateau` it may be a schedule.
      steps_per_epoch: only for `LearningRateScheduler`: the number of steps in an epoch.
      epochs: only for `LearningRateScheduler`: for how many epochs its function is called; the last
        one's value is held after them.
      **hyperparameters: for a name: the arguments of the class.

    Returns:
      A :class:`jaxsched.Schedule`, made of jaxsched's public factories. For `ReduceLROnPlateau` a
      :func:`jaxsched.reduce_on_plateau`, which :func:`jaxsched.observe` gives the metric of each epoch.

    Raises:
      TypeError: not an object of Keras or a mapping with a class name, a class of your own, or an
        argument that is missing, unknown or of the wrong type. An integer for a learning rate is one:
        Keras computes the whole curve in integers then.
      ValueError: a name is unknown, an argument is out of its range, or one is given that the class has no
        use for.

    Source: keras/src/optimizers/schedules/learning_rate_schedule.py, keras/src/callbacks.

    Example:
      >>> from jaxsched.interop.keras import from_keras
      >>> from_keras("InverseTimeDecay", initial_learning_rate=0.1, decay_steps=100, decay_rate=0.5)
      inverse_time_decay(init_value=0.1, decay_steps=100, decay_rate=0.5)
      >>> schedule = from_keras({"class_name": "LearningRateScheduler", "config": {
      ...     "schedule": lambda epoch, rate: rate * 0.5}}, 0.1, steps_per_epoch=100, epochs=3)
      >>> [schedule(step) for step in (0, 99, 100, 200)]
      [0.05, 0.05, 0.025, 0.0125]
    """
    if isinstance(schedule, str):
        schedule = _named(schedule, hyperparameters)
    elif hyperparameters:
        raise TypeError(
            f"from_keras: {next(iter(hyperparameters))!r} must not be given beside an object or a mapping, "
            "which have their own arguments"
        )
    name, config = _read(schedule)
    given = {
        "learning_rate": learning_rate, "steps_per_epoch": steps_per_epoch, "epochs": epochs,
    }  # fmt: skip
    used = _USED.get(name, ())
    for argument, value in given.items():
        if value is not None and argument not in used:
            raise checks.refuse(
                f"from_keras: {argument}", f"None, for {name} has no use for it", value
            )
    if name == "LearningRateScheduler":
        return _learning_rate_scheduler(**_bound(name, _learning_rate_scheduler, config, given))
    if name == "ReduceLROnPlateau":
        return _reduce_on_plateau(learning_rate, config)
    form, arguments = FORMS[name], {}
    for key, value in _bound(name, form, config).items():
        arguments[key] = CHECKS[key](value, f"from_keras: {name}: {key}")
    return form(**arguments)


def _named(name: str, hyperparameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """A class name with its arguments, as a mapping."""
    bare = _peer.bare_name(name, *_MODULES, "tf")
    if bare not in NAMES:
        raise ValueError(
            f"from_keras: schedule must be one of {', '.join(NAMES)}, got {name!r}"
            f"{did_you_mean(bare, NAMES)}"
        )
    return {"class_name": bare, "config": hyperparameters}


def _read(schedule: Any) -> tuple[str, Mapping[str, Any]]:
    """The class and the arguments of an object, or of what `serialize` made of it."""
    if isinstance(schedule, Mapping):
        return _read_config(schedule)
    _peer.refuse_class(schedule, "from_keras", "schedule")
    kind = type(schedule)
    name = kind.__name__
    if kind.__module__.partition(".")[0] in _MODULES:
        if name in FORMS:
            return name, schedule.get_config()
        if name in _CALLBACKS:
            return name, _attributes(schedule, name)
    raise _unknown(schedule, name)


def _read_config(schedule: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    name, config = schedule.get("class_name"), schedule.get("config")
    if not isinstance(name, str) or not isinstance(config, Mapping):
        raise checks.refuse(
            "from_keras: schedule",
            "a mapping with 'class_name' and 'config', as keras.optimizers.schedules.serialize "
            "gives (get_config alone does not say the class)",
            schedule, TypeError,
        )  # fmt: skip
    module = schedule.get("module") or "keras"
    if not isinstance(module, str):
        allowed = "the name of a module of Keras, or left out"
        raise checks.refuse("from_keras: schedule['module']", allowed, module, TypeError)
    registered = schedule.get("registered_name") or name
    known = name in NAMES
    if not known or registered != name or module.partition(".")[0] not in _MODULES:
        raise _unknown(schedule, name)
    return name, config


def _attributes(callback: Any, name: str) -> dict[str, Any]:
    """The arguments of a callback, of which it keeps each under its own name."""
    config = {key: getattr(callback, key) for key in _CALLBACKS[name]}
    if config.get("mode") == "auto":  # in training the callback has found out
        found = getattr(getattr(callback, "monitor_op", None), "__name__", "")
        config["mode"] = {"less": "min", "greater": "max"}.get(found, "auto")
    return config


def _unknown(schedule: Any, name: str) -> TypeError:
    known = ", ".join(NAMES)
    allowed = (
        f"one of Keras's own schedules or callbacks ({known}), or such a name with its 'config'"
    )
    error = checks.refuse("from_keras: schedule", allowed, schedule)
    return TypeError(
        f"{error}. The Python code of {name} cannot be converted: write it with @jaxsched.schedule, or "
        f"with jaxsched.by_epoch if it is a function of the epoch; or {TABULATE}"
    )


def _bound(
    name: str, function: Callable[..., Any], config: Mapping[str, Any], *first: Any
) -> dict[str, Any]:
    """The arguments of a class, with Keras's defaults and without the name of the operation."""
    config = {key: value for key, value in config.items() if key != "name"}
    signature = inspect.signature(function)
    refuse_unknown(f"from_keras: {name}", config, tuple(signature.parameters))
    try:
        bound = signature.bind(*first, **config)
    except TypeError as error:
        raise TypeError(f"from_keras: {name}: {error}") from None
    bound.apply_defaults()
    return bound.arguments


def _reduce_on_plateau(
    learning_rate: Any, config: Mapping[str, Any]
) -> optax.GradientTransformationExtraArgs:
    if learning_rate is None:
        raise checks.refuse(
            "from_keras: learning_rate",
            "the rate or the schedule of the optimizer, which ReduceLROnPlateau reduces",
            None, TypeError,
        )  # fmt: skip
    config = {key: value for key, value in config.items() if key != "verbose"}
    return plateau_from_keras(
        **_bound("ReduceLROnPlateau", plateau_from_keras, config, learning_rate)
    )


def _learning_rate_scheduler(given: Mapping[str, Any], schedule: Any, verbose: int = 0) -> Schedule:
    where = "from_keras: LearningRateScheduler"
    if not callable(schedule):
        raise checks.refuse(f"{where}: schedule", "a function of the epoch", schedule, TypeError)
    rate = None
    if _takes_rate(schedule):
        rate = given["learning_rate"]
        if rate is None:
            raise checks.refuse(
                "from_keras: learning_rate",
                "the rate of the optimizer, of which the LearningRateScheduler's function makes "
                "the first epoch's",
                rate, TypeError,
            )  # fmt: skip
        rate = checks.finite(rate, "from_keras: learning_rate")
    for name in ("steps_per_epoch", "epochs"):
        checks.positive_steps(given[name], f"from_keras: {name} (for LearningRateScheduler)")

    def checked(epoch: int, *rate: float) -> float:
        place = f"{where}: schedule({epoch})"
        return single(checks.finite)(schedule(epoch, *rate), place)

    return tabulate_by_epoch(checked, given["steps_per_epoch"], given["epochs"], rate)


def _takes_rate(function: Callable[..., Any]) -> bool:
    """Whether a function takes the epoch and the rate; Keras asks by calling it with both."""
    try:
        inspect.signature(function).bind(0, 0.1)
    except (TypeError, ValueError):
        return False
    return True
