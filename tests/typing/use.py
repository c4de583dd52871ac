"""What a type checker knows of schedules that are built, changed, combined and given to an optimizer."""

from collections.abc import Callable
from typing import Any, assert_type

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsched
from jaxsched import Horizon, Schedule, shapes

schedule = jaxsched.cosine_decay_schedule(0.1, decay_steps=1000, alpha=0.1)
assert_type(schedule, Schedule)
assert_type(jaxsched.join_schedules([schedule, lambda step: 0.1], [10]), Schedule)
assert_type(jaxsched.with_warmup(schedule, 100, shape=shapes.cosine()), Schedule)
assert_type(jaxsched.sgdr_schedule([{"peak_value": 0.1, "decay_steps": 10}]), Schedule)

assert_type(shapes.cosine(exponent=2.0), shapes.Shape)
assert_type(shapes.warped(shapes.cosine(), 1.5), shapes.Shape)

# A rate may be a number of NumPy or an array: schedules are stacked and traced.
assert_type(jaxsched.constant_schedule(np.float32(0.1)), Schedule)
assert_type(jaxsched.constant_schedule(jnp.ones(3)), Schedule)

# A number is answered with a float, an array with an array.
assert_type(schedule(3), float)
assert_type(schedule(2.5), float)
assert_type(schedule(np.int64(3)), float)
assert_type(schedule(np.float32(3)), float)
assert_type(schedule(jnp.arange(3)), jax.Array)
assert_type(schedule(np.arange(3)), jax.Array)

# As data.
assert_type(schedule.replace(init_value=0.3), Schedule)
assert_type(schedule.hyperparameters, dict[str, Any])
assert_type(schedule.factory(0.3, 10), Schedule)

# Arithmetic, with numbers and arrays on either side.
assert_type(0.5 * schedule, Schedule)
assert_type(schedule * np.float64(0.5) + 1, Schedule)
assert_type(-schedule / schedule, Schedule)
assert_type(2.0**schedule, Schedule)
assert_type(1.0 - schedule, Schedule)

# Optax takes it wherever it takes a schedule.
as_optax: optax.Schedule = schedule
as_function: Callable[[int], float] = schedule
assert_type(optax.sgd(schedule, momentum=0.9), optax.GradientTransformationExtraArgs)
assert_type(optax.adamw(schedule, weight_decay=0.1), optax.GradientTransformationExtraArgs)
assert_type(optax.scale_by_schedule(schedule), optax.GradientTransformation)
assert_type(jaxsched.scale_by_learning_rate(schedule), optax.GradientTransformation)

# JAX's transformations keep it what it is.
read = jax.jit(lambda schedule, step: schedule(step))
read(schedule, 3)
assert_type(jax.tree.leaves(schedule), list[Any])

# Plateau.
reducer = jaxsched.reduce_on_plateau(factor=0.5, patience=3)
assert_type(reducer, optax.GradientTransformationExtraArgs)
placed = jaxsched.with_plateau(optax.adam(schedule), factor=0.5, min_lr=1e-5)
assert_type(placed, optax.GradientTransformationExtraArgs)
state = placed.init(jnp.ones(3))
assert_type(jaxsched.plateau_report(state), jaxsched.PlateauReport)
assert_type(jaxsched.plateau_report(state).num_reductions, int)
rate: jax.Array = jaxsched.learning_rate(state)

# Configuration and tools.
assert_type(jaxsched.from_config({"name": "constant_schedule", "value": 0.1}), Schedule)
assert_type(jaxsched.parse("constant_schedule(0.1)"), Schedule)
assert_type(jaxsched.to_config(schedule), dict[str, Any])
assert_type(Horizon(steps=1000).steps("3%"), int)
assert_type(jaxsched.inspect(schedule, 1000), jaxsched.Inspection)
assert_type(jaxsched.diagnose([1.0] * 8), jaxsched.Diagnosis)
assert_type(jaxsched.sketch(schedule, 100), str)
