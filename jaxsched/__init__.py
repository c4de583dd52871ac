"""Learning-rate schedules for JAX and Optax: pure functions of the step whose hyperparameters are data."""

import typing as _typing

from jaxsched import checks as checks
from jaxsched import shapes as shapes
from jaxsched._core.arithmetic import add as add
from jaxsched._core.arithmetic import divide as divide
from jaxsched._core.arithmetic import multiply as multiply
from jaxsched._core.arithmetic import power as power
from jaxsched._core.arithmetic import subtract as subtract
from jaxsched._core.compose import join_schedules as join_schedules
from jaxsched._core.decorators import recipe as recipe
from jaxsched._core.decorators import schedule as schedule
from jaxsched._core.schedule import Schedule as Schedule
from jaxsched._forms.cycles import cosine_decay_restarts as cosine_decay_restarts
from jaxsched._forms.cycles import cyclic_schedule as cyclic_schedule
from jaxsched._forms.cycles import jagged_restarts as jagged_restarts
from jaxsched._forms.cycles import polynomial_decay as polynomial_decay
from jaxsched._forms.exponential import exponential_decay as exponential_decay
from jaxsched._forms.exponential import geometric_schedule as geometric_schedule
from jaxsched._forms.exponential import half_life_decay as half_life_decay
from jaxsched._forms.exponential import inverse_sigmoid_decay as inverse_sigmoid_decay
from jaxsched._forms.exponential import natural_exp_decay as natural_exp_decay
from jaxsched._forms.measured import refined_schedule as refined_schedule
from jaxsched._forms.onecycle import cosine_onecycle_schedule as cosine_onecycle_schedule
from jaxsched._forms.onecycle import fastai_onecycle_schedule as fastai_onecycle_schedule
from jaxsched._forms.onecycle import linear_onecycle_schedule as linear_onecycle_schedule
from jaxsched._forms.onecycle import torch_onecycle_schedule as torch_onecycle_schedule
from jaxsched._forms.phases import infinite_schedule as infinite_schedule
from jaxsched._forms.phases import tri_stage_schedule as tri_stage_schedule
from jaxsched._forms.phases import warmup_stable_decay_schedule as warmup_stable_decay_schedule
from jaxsched._forms.phases import wsds_schedule as wsds_schedule
from jaxsched._forms.power_law import inverse_sqrt_schedule as inverse_sqrt_schedule
from jaxsched._forms.power_law import inverse_time_decay as inverse_time_decay
from jaxsched._forms.power_law import noam_schedule as noam_schedule
from jaxsched._forms.power_law import power_law_schedule as power_law_schedule
from jaxsched._forms.power_law import time_based_decay as time_based_decay
from jaxsched._forms.presets import flat_cosine_schedule as flat_cosine_schedule
from jaxsched._forms.presets import k_decay_schedule as k_decay_schedule
from jaxsched._forms.presets import slanted_triangular_schedule as slanted_triangular_schedule
from jaxsched._forms.recipes import sgdr_schedule as sgdr_schedule
from jaxsched._forms.recipes import warmup_constant_schedule as warmup_constant_schedule
from jaxsched._forms.recipes import warmup_cosine_decay_schedule as warmup_cosine_decay_schedule
from jaxsched._forms.recipes import (
    warmup_exponential_decay_schedule as warmup_exponential_decay_schedule,
)
from jaxsched._forms.step_decay import chebyshev_schedule as chebyshev_schedule
from jaxsched._forms.step_decay import compounding_time_based_decay as compounding_time_based_decay
from jaxsched._forms.step_decay import multistep_schedule as multistep_schedule
from jaxsched._forms.step_decay import step_decay as step_decay
from jaxsched._forms.table import piecewise_constant_schedule as piecewise_constant_schedule
from jaxsched._forms.table import piecewise_interpolate_schedule as piecewise_interpolate_schedule
from jaxsched._forms.tabulate import tabulate_by_epoch as tabulate_by_epoch
from jaxsched._forms.tabulate import tabulated_schedule as tabulated_schedule
from jaxsched._forms.transition import constant_schedule as constant_schedule
from jaxsched._forms.transition import cosine_decay_schedule as cosine_decay_schedule
from jaxsched._forms.transition import linear_schedule as linear_schedule
from jaxsched._forms.transition import polynomial_schedule as polynomial_schedule
from jaxsched._forms.transition import transition_schedule as transition_schedule
from jaxsched._forms.waves import cosine_wave_schedule as cosine_wave_schedule
from jaxsched._forms.waves import linear_cosine_decay as linear_cosine_decay
from jaxsched._forms.waves import noisy_linear_cosine_decay as noisy_linear_cosine_decay
from jaxsched._operators.bounds import clip as clip
from jaxsched._operators.bounds import maximum as maximum
from jaxsched._operators.bounds import minimum as minimum
from jaxsched._operators.bounds import onecycle_momentum_schedule as onecycle_momentum_schedule
from jaxsched._operators.bounds import proportional as proportional
from jaxsched._operators.clock import by_epoch as by_epoch
from jaxsched._operators.clock import delay as delay
from jaxsched._operators.clock import reverse as reverse
from jaxsched._operators.clock import staircase as staircase
from jaxsched._operators.clock import stretch as stretch
from jaxsched._operators.noise import with_noise as with_noise
from jaxsched._operators.repeat import repeat as repeat
from jaxsched._operators.warmup import override as override
from jaxsched._operators.warmup import swa_schedule as swa_schedule
from jaxsched._operators.warmup import with_cooldown as with_cooldown
from jaxsched._operators.warmup import with_warmup as with_warmup

if _typing.TYPE_CHECKING:
    from jaxsched import interop as interop
    from jaxsched._later import *  # noqa: F403 (all of its names are public)

__version__ = "0.1.0"


# Pickles and checkpoints name the module: the public one, so that files may move.
def _name_publicly(values: list[object]) -> None:
    for value in values:
        if callable(value) and value.__module__.startswith("jaxsched._"):
            value.__module__ = __name__


_name_publicly(list(globals().values()))

if not _typing.TYPE_CHECKING:  # which knows all names from above

    def _with_later() -> list[str]:
        """The public names, once those of `_later` are among them."""
        from jaxsched import _later

        names = {k: v for k, v in vars(_later).items() if not k.startswith("_")}
        _name_publicly(list(names.values()))
        globals().update(names)
        # A copy: another thread may import something meanwhile.
        public = [name for name in list(globals()) if not name.startswith("_")]
        return [*dict.fromkeys([*public, "interop"])]

    def __getattr__(name: str) -> object:
        """Called for a name that is not here yet."""
        if name == "interop":  # few programs port a schedule: only these load what it takes
            import importlib

            return importlib.import_module("jaxsched.interop")
        if name == "__all__":  # what `from jaxsched import *` asks for
            return _with_later()
        message = f"module 'jaxsched' has no attribute {name!r}"
        if name.startswith("_"):  # what tools look for, and is not here
            raise AttributeError(message, name=name)
        names = _with_later()
        if name in names:
            return globals()[name]
        from jaxsched._core.near import did_you_mean

        # Without `obj`, which would have Python's traceback add a guess of its own.
        raise AttributeError(message + did_you_mean(name, names), name=name)

    def __dir__() -> list[str]:
        return sorted({*_with_later(), *globals()})
