"""Uses the package where nothing else is: from an empty folder, `python - < tests/alone.py`.

It needs nothing of the tests. tests/test_package.py runs it on the wheel, and .ci/run after pip has
installed the wheel and what it requires into an empty environment. It prints where the package is.
"""

import importlib
import pathlib
import pkgutil

import jax
import jax.numpy as jnp
import optax

import jaxsched

schedule = jaxsched.warmup_cosine_decay_schedule(0.0, 0.3, 100, 1000)
if schedule(50) != 0.15 or float(jax.jit(schedule)(jnp.asarray(100))) != jnp.float32(0.3):
    raise SystemExit("another rate")
if jaxsched.parse(repr(schedule)) != schedule:
    raise SystemExit("another schedule")

optimizer = jaxsched.with_plateau(optax.sgd(schedule), factor=0.5, patience=2)
params = {"w": jnp.ones(3)}
state = optimizer.init(params)
updates, state = optimizer.update(params, state, params)
optax.apply_updates(params, updates)

for module in pkgutil.walk_packages(jaxsched.__path__, "jaxsched."):
    if module.name != "jaxsched.__main__":
        importlib.import_module(module.name)
print(pathlib.Path(jaxsched.__file__).parent.parent, jaxsched.__version__)
