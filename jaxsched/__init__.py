"""Learning-rate schedules for JAX and Optax: pure functions of the step whose hyperparameters are data."""

from jaxsched import checks as checks
from jaxsched import shapes as shapes
from jaxsched._arithmetic import add as add
from jaxsched._arithmetic import divide as divide
from jaxsched._arithmetic import multiply as multiply
from jaxsched._arithmetic import subtract as subtract
from jaxsched._compose import join_schedules as join_schedules
from jaxsched._exponential import exponential_decay as exponential_decay
from jaxsched._onecycle import cosine_onecycle_schedule as cosine_onecycle_schedule
from jaxsched._onecycle import linear_onecycle_schedule as linear_onecycle_schedule
from jaxsched._recipes import sgdr_schedule as sgdr_schedule
from jaxsched._recipes import warmup_constant_schedule as warmup_constant_schedule
from jaxsched._recipes import warmup_cosine_decay_schedule as warmup_cosine_decay_schedule
from jaxsched._recipes import warmup_exponential_decay_schedule as warmup_exponential_decay_schedule
from jaxsched._schedule import Schedule as Schedule
from jaxsched._schedule import recipe as recipe
from jaxsched._schedule import schedule as schedule
from jaxsched._table import piecewise_constant_schedule as piecewise_constant_schedule
from jaxsched._table import piecewise_interpolate_schedule as piecewise_interpolate_schedule
from jaxsched._transition import constant_schedule as constant_schedule
from jaxsched._transition import cosine_decay_schedule as cosine_decay_schedule
from jaxsched._transition import linear_schedule as linear_schedule
from jaxsched._transition import polynomial_schedule as polynomial_schedule
from jaxsched._transition import transition_schedule as transition_schedule

__version__ = "0.1.0"
