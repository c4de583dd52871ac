"""Training with many schedules: one compilation for all, or one for each."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsched

UPDATES = 200
COMPILED = {1000: 24}  # of so many, those compiled one by one: all would take minutes


def _train(schedule):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(64, 16)), jnp.float32)
    y = jnp.sin(x @ jnp.asarray(rng.normal(size=(16, 1)), jnp.float32))
    params = tuple(jnp.asarray(rng.normal(size=s) / 4, jnp.float32) for s in ((16, 32), (32, 1)))
    tx = optax.adam(schedule)

    def loss(params):
        return jnp.mean((jnp.tanh(x @ params[0]) @ params[1] - y) ** 2)

    def body(carry, _):
        params, state = carry
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = tx.update(gradient, state, params)
        return (optax.apply_updates(params, updates), state), value

    return jax.lax.scan(body, (params, tx.init(params)), None, length=UPDATES)[1][-1]


def _grid(library, n):
    return [
        library.warmup_cosine_decay_schedule(0.0, 0.1 / (1 + i), 5 + i % 20, 100 + i)
        for i in range(n)
    ]


def one_vmap(n):
    stacked = jax.tree.map(lambda *leaves: jnp.asarray(leaves), *_grid(jaxsched, n))
    return jax.jit(jax.vmap(_train))(stacked)


def one_program(n):
    train = jax.jit(_train)
    return [train(schedule) for schedule in _grid(jaxsched, n)]


def one_each(n):
    return [jax.jit(lambda s=schedule: _train(s))() for schedule in _grid(optax, n)]


def _seconds(run, n):
    jax.clear_caches()
    begin = time.perf_counter()
    jax.block_until_ready(run(n))
    return time.perf_counter() - begin


def measure(quick):
    rows = []
    for n in (1, 8) if quick else (1, 8, 64, 1000):
        compiled = COMPILED.get(n, n)
        runs = {
            "vmap s": lambda n=n: _seconds(one_vmap, n),
            "one program s": lambda n=n: _seconds(one_program, n),
            "one each (optax) s": lambda n=n, m=compiled: _seconds(one_each, m) * n / m,
        }
        row = dict.fromkeys(runs, float("inf"))
        for _ in range(1 if quick or n >= 64 else 3):
            for name, run in runs.items():
                row[name] = min(row[name], run())
        rows.append(
            {
                "schedules": n,
                **row,
                "compiled each": compiled,
                "one each / vmap": row["one each (optax) s"] / row["vmap s"],
                "one each / one program": row["one each (optax) s"] / row["one program s"],
            }
        )
    return rows


def conclude(rows):
    for row in rows:
        n, ratio = row["schedules"], row["one each / vmap"]
        if n == 64 or row is rows[-1]:
            scaled = "" if row["compiled each"] == n else f" ({row['compiled each']} measured)"
            yield (
                ratio > 1,
                f"{n} schedules train faster in one compilation, by vmap, than with one each: "
                f"{ratio:.1f} times as fast{scaled}",
            )
    yield None, _pays(rows)


def _pays(rows):
    """From how many schedules on one compilation takes less time than one for each."""
    slower = [row for row in rows if row["one each / vmap"] <= 1]
    numbers = [row["schedules"] for row in rows]
    pays = numbers[rows.index(slower[-1]) + 1 :] if slower else numbers
    return (
        f"of the numbers measured ({', '.join(map(str, numbers))}) one compilation pays "
        + (f"from {pays[0]} on" if pays else "for none")
        + "".join(
            f"; {row['schedules']} takes {1 / row['one each / vmap']:.2f} times as long by vmap as with "
            "one compilation each"
            for row in slower
        )
    )


TITLE = "Sweep: many schedules in one program"
NOTE = (
    f"A small network trained for {UPDATES} updates with Adam and each of n warmup + cosine schedules of "
    "different rates and lengths; compilation included. vmap: all at once, schedules stacked. One program: "
    "one after the other through one compiled function, the schedule an argument. One each: optax's, whose "
    "numbers are constants of the program; of 1000 only as many are compiled as `compiled each` says, and "
    "the time is scaled to 1000."
)
