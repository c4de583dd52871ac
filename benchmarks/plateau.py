"""A plateau reducer in a compiled training loop, beside optax's and beside none."""

import functools

import jax
import jax.numpy as jnp
import optax
from _measure import TRIES, Compiled, instructions, settled

import jaxsched

# So many that calling the program, which costs more with every array of the state, counts for nothing.
STEPS = {(): 200_000, (1_000,): 20_000, (100_000,): 2_000}
ALLOWED = 1.05
SHAPES = {"a scalar": (), "1 thousand": (1_000,), "100 thousand": (100_000,)}
REDUCERS = {
    "jaxsched": lambda: jaxsched.reduce_on_plateau(0.5, 3, cooldown=2),
    "optax": lambda: optax.contrib.reduce_on_plateau(0.5, 3, cooldown=2),
    "none": optax.identity,
}


def compiled_loop(optimizer, reducer, shape, steps):
    """One run of so many steps."""
    tx = optax.chain(optimizer, reducer)
    params = jnp.ones(shape)
    values = jax.random.uniform(jax.random.key(0), (steps,))

    def step(carry, value):
        params, state = carry
        updates, state = tx.update(1e-3 * params, state, params, value=value)
        return (optax.apply_updates(params, updates), state), None

    run = jax.jit(lambda params, state: jax.lax.scan(step, (params, state), values)[0])
    compiled = run.lower(params, tx.init(params)).compile()
    arguments = params, tx.init(params)
    return Compiled(lambda: jax.block_until_ready(compiled(*arguments)), compiled.as_text())


def measure(quick):
    rounds = 3 if quick else 31
    rows = []
    for name, optimizer in (("SGD", optax.sgd(1e-3)), ("Adam", optax.adam(1e-3))):
        for size, shape in SHAPES.items():
            steps = STEPS[shape] // (10 if quick else 1)
            loops = {
                who: functools.partial(compiled_loop, optimizer, make(), shape, steps)
                for who, make in REDUCERS.items()
            }
            seconds = settled(loops, "optax", allowed=ALLOWED, rounds=rounds, seconds=0.0)
            ns = {who: s / steps * 1e9 for who, s in seconds.items()}
            rows.append(
                {
                    "optimizer, parameters": f"{name}, {size}",
                    "jaxsched ns": ns["jaxsched"],
                    "optax ns": ns["optax"],
                    "no reducer ns": ns["none"],
                    "jaxsched / optax": ns["jaxsched"] / ns["optax"],
                    "HLO": instructions(loops["jaxsched"]().text),
                    "optax HLO": instructions(loops["optax"]().text),
                }
            )
    return rows


def conclude(rows):
    for row in rows:
        ratio = row["jaxsched / optax"]
        what = row["optimizer, parameters"]
        yield (
            ratio <= ALLOWED,
            f"{what}: a step costs at most 5 % more than optax's: {ratio:.3f} times",
        )


TITLE = "A reducer on a plateau"
NOTE = (
    "Nanoseconds per training step in a compiled loop on the CPU, with a metric at every step. The program "
    "with optax's reducer has a conditional; ours has none, it selects between values. What that means on "
    'a GPU, where the host may have to wait for the device, is not known but by the section "On a GPU". '
    "A step within 5 % of optax's counts as equal; a loop that differs by more, up or down, is made and "
    f"measured again together with optax's, up to {TRIES} times, and the fastest of each counts."
)
