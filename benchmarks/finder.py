"""What the learning-rate range test costs beside the bare training steps it contains."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _measure import interleaved

import jaxsched

STEPS = 100
SIZES = {"128 units, batches of 64": (128, 64), "512 units, batches of 256": (512, 256)}
RANGE = {"start": 1e-5, "end": 1e-2, "steps": STEPS, "divergence": None}


def _task(width, batch):
    sizes = (64, width, width, 10)
    rng = np.random.default_rng(0)  # on the host: nothing to compile
    normal = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)
    params = [(normal(m, n) * (2 / m) ** 0.5, jnp.zeros(n)) for m, n in itertools.pairwise(sizes)]
    x = normal(STEPS, batch, 64)
    y = jnp.asarray(rng.integers(0, 10, (STEPS, batch)))

    def loss(params, data):
        x, y = data
        for i, (w, b) in enumerate(params):
            x = (jax.nn.relu(x) if i else x) @ w + b
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    return loss, params, (x, y)


def _contenders(width, batch):
    loss, params, batches = _task(width, batch)
    rates = jnp.asarray(np.geomspace(RANGE["start"], RANGE["end"], STEPS), jnp.float32)

    def update(carry, now):
        params, state = carry
        batch, rate = now
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = optax.adam(rate).update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    scan = jax.jit(lambda carry, now: jax.lax.scan(update, carry, now))
    step = jax.jit(update)
    start = (params, optax.adam(1.0).init(params))
    split = [(jax.tree.map(lambda a, i=i: a[i], batches), rates[i]) for i in range(STEPS)]

    def in_python():
        carry = start
        for now in split:
            carry, value = step(carry, now)
        jax.block_until_ready((carry, value))

    return {
        "range test": lambda: jaxsched.lr_range_test(loss, params, batches, optax.adam, **RANGE),
        "steps in a Python loop": in_python,
        "steps in one scan": lambda: jax.block_until_ready(scan(start, (batches, rates))),
    }


def measure(quick):
    rows = []
    for name, (width, batch) in SIZES.items():
        seconds = interleaved(_contenders(width, batch), rounds=1 if quick else 9, seconds=0.0)
        rows.append(
            {
                "two hidden layers of": name,
                **{f"{who}, ms": s * 1e3 for who, s in seconds.items()},
                "test / loop": seconds["range test"] / seconds["steps in a Python loop"],
                "test / scan": seconds["range test"] / seconds["steps in one scan"],
            }
        )
    return rows


def conclude(rows):
    for row in rows:
        loop, scan = row["test / loop"], row["test / scan"]
        yield (
            loop <= 1.3,
            f"{row['two hidden layers of']}: the test costs at most 1.3 times its steps in a training "
            f"loop: {loop:.2f} (of one scan {scan:.2f})",
        )


TITLE = "The range test"
NOTE = (
    "100 updates with Adam on batches that are on the device already: `lr_range_test` against the same "
    "updates in a compiled step that a Python loop calls, and against one `lax.scan` of all of them. All "
    "are compiled before."
)
