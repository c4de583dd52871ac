"""What the learning-rate range test costs beside the bare training steps it contains.

    python benchmarks/finder.py

100 updates of a network on batches already on the device: `jaxsched.lr_range_test` against the same updates
in a compiled step that a Python loop calls, and against one in a `lax.scan` of all 100. Each is compiled
before; they take turns, and the median of the runs counts.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsched

STEPS = 100


def make(width: int, batch: int):
    sizes = (64, width, width, 10)
    keys = jax.random.split(jax.random.key(0), 5)
    params = [
        (jax.random.normal(k, (m, n)) * (2 / m) ** 0.5, jnp.zeros(n))
        for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=False)
    ]
    x = jax.random.normal(keys[3], (STEPS, batch, 64))
    y = jax.random.randint(keys[4], (STEPS, batch), 0, 10)

    def loss(params, data):
        x, y = data
        for i, (w, b) in enumerate(params):
            x = (jax.nn.relu(x) if i else x) @ w + b
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    return loss, params, (x, y)


def measure(functions, repeats: int) -> dict[str, float]:
    """The median seconds of each; they take turns, so that a busy machine is busy for all."""
    times = {name: [] for name in functions}
    for number in range(repeats + 1):
        for name, function in functions.items():
            begin = time.perf_counter()
            function()
            if number:  # the first run compiles
                times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(t)) for name, t in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--width", type=int, default=512, help="units of the two hidden layers (512)"
    )
    parser.add_argument("--batch", type=int, default=256, help="rows of a batch (256)")
    parser.add_argument("--repeats", type=int, default=7, help="runs of each (7)")
    options = parser.parse_args()
    loss, params, batches = make(options.width, options.batch)
    rates = jnp.geomspace(1e-5, 1e-2, STEPS)

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

    def loop():
        carry = start
        for now in split:
            carry, value = step(carry, now)
        jax.block_until_ready((carry, value))

    def test():
        options = {"start": 1e-5, "end": 1e-2, "steps": STEPS, "divergence": None}
        assert (
            len(jaxsched.lr_range_test(loss, params, batches, optax.adam, **options).losses)
            == STEPS
        )

    functions = {
        "steps in a Python loop": loop,
        "steps in one scan": lambda: jax.block_until_ready(scan(start, (batches, rates))),
        "range test": test,
    }
    seconds = measure(functions, options.repeats)
    bare = min(list(seconds.values())[:2])
    for name, value in seconds.items():
        print(f"{name:<23} {1e3 * value:8.1f} ms  {value / bare:.2f} x")


if __name__ == "__main__":
    main()
