"""A whole training step with a schedule, beside the same step with a constant rate."""

import functools
import statistics

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _measure import TRIES, Compiled, settled
from _schedules import SCHEDULES, varied

import jaxsched

TOKENS, WIDTH, HEADS, VOCABULARY = 32, 64, 4, 64


def _normal(rng, *shape):
    return jnp.asarray(rng.normal(size=shape) / np.sqrt(shape[0]), jnp.float32)


def _mlp(rng):
    params = [_normal(rng, 64, 128), _normal(rng, 128, 128), _normal(rng, 128, 10)]
    batch = _normal(rng, 64, 64), jnp.asarray(rng.integers(0, 10, 64))

    def loss(params, batch):
        x, labels = batch
        for weights in params[:-1]:
            x = jax.nn.relu(x @ weights)
        logits = x @ params[-1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    return params, batch, loss


def _transformer(rng):
    block = {
        "qkv": (WIDTH, 3 * WIDTH),
        "out": (WIDTH, WIDTH),
        "up": (WIDTH, 256),
        "down": (256, WIDTH),
    }
    blocks = [{name: _normal(rng, *shape) for name, shape in block.items()} for _ in range(2)]
    params = {"embedding": _normal(rng, VOCABULARY, WIDTH), "blocks": blocks}
    batch = jnp.asarray(rng.integers(0, VOCABULARY, (8, TOKENS + 1)))

    def loss(params, batch):
        x, mask = params["embedding"][batch[:, :-1]], jnp.tril(jnp.ones((TOKENS, TOKENS), bool))
        for weights in params["blocks"]:
            heads = (jax.nn.standardize(x) @ weights["qkv"]).reshape(*x.shape[:2], 3, HEADS, -1)
            q, k, v = jnp.moveaxis(heads, 2, 0)
            scores = jnp.einsum("bthd,bshd->bhts", q, k) / np.sqrt(WIDTH / HEADS)
            mixed = jnp.einsum("bhts,bshd->bthd", jax.nn.softmax(jnp.where(mask, scores, -1e9)), v)
            x = x + mixed.reshape(x.shape) @ weights["out"]
            x = x + jax.nn.gelu(jax.nn.standardize(x) @ weights["up"]) @ weights["down"]
        logits = x @ params["embedding"].T
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch[:, 1:]).mean()

    return params, batch, loss


MODELS = {"MLP": _mlp, "transformer": _transformer}


LIMIT, NUMBER = "constant", "a plain number"
ALLOWED = 1.05
HOW = f"where what differed by more than 5 % was measured again up to {TRIES} times and the fastest counts"
"""Without it the largest ratio says less than it seems to."""

# Of each kind one: enough for rough numbers, and where a compilation takes long.
IN_SHORT = ("warmup_cosine_decay_schedule", "noisy_linear_cosine_decay")
PIECES = "join of 40 pieces"


def rates(names=tuple(SCHEDULES)):
    """Name -> the rate: a constant one, the named schedules and a join of many pieces.

    The constant is a function too: for any function optax counts the updates, and that the program
    hands one array more to Python takes some microseconds. A plain number is not counted for.
    """
    schedules = {name: SCHEDULES[name].jaxsched() for name in names}
    constant = {NUMBER: 1e-3, LIMIT: lambda count: 1e-3}
    return {**constant, **schedules, PIECES: varied(jaxsched, 40)}


def compiled_step(model, rate):
    """A whole step of training, which goes on from where the last call left it."""
    params, batch, loss = MODELS[model](np.random.default_rng(0))
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate))

    def step(params, state):
        updates, state = tx.update(jax.grad(loss)(params, batch), state, params)
        return optax.apply_updates(params, updates), state

    carry = params, tx.init(params)
    compiled = jax.jit(step).lower(*carry).compile()

    def call():
        nonlocal carry
        carry = jax.block_until_ready(compiled(*carry))

    return Compiled(call, compiled.as_text())


def measure(quick):
    names, rounds = (IN_SHORT, 5) if quick else (tuple(SCHEDULES), 15)
    seconds = {model: _seconds(model, rates(names), rounds) for model in MODELS}
    return [
        {
            "rate": name,
            **{f"{model} µs": seconds[model][name] * 1e6 for model in MODELS},
            **{
                f"{model} / {LIMIT}": seconds[model][name] / seconds[model][LIMIT]
                for model in MODELS
            },
        }
        for name in rates(names)
    ]


def _seconds(model, rates, rounds):
    """Rate -> seconds per step."""
    makers = {name: functools.partial(compiled_step, model, rate) for name, rate in rates.items()}
    return settled(makers, LIMIT, allowed=ALLOWED, rounds=rounds, seconds=0.02)


def schedules(rows):
    """The rows of schedules, without those of the two constant rates."""
    return [row for row in rows if row["rate"] not in (LIMIT, NUMBER)]


def within(rows, model):
    """How many schedules make the step of a model at most as much longer as is allowed."""
    return sum(row[f"{model} / {LIMIT}"] <= ALLOWED for row in schedules(rows))


def conclude(rows):
    (number,) = (row for row in rows if row["rate"] == NUMBER)
    for model in MODELS:
        column = f"{model} / {LIMIT}"
        known = schedules(rows)
        worst = max(known, key=lambda row: row[column])
        median = statistics.median(row[column] for row in known)
        yield (
            worst[column] <= ALLOWED,
            f"{model}: no schedule makes a training step more than 5 % longer than a function that "
            f"returns a constant: {within(rows, model)} of {len(known)} do not, {median:.3f} times on the "
            f"median, at most {worst[column]:.3f} times ({worst['rate']}), {HOW}; and at most "
            f"{worst[column] / number[column]:.3f} times that with a plain number, for which optax counts "
            "no updates",
        )


TITLE = "A whole training step"
NOTE = (
    "Clipping, AdamW and the model's gradient in one compiled step that a Python loop calls, on the CPU: "
    "with each schedule, with a function that returns a constant, and with a plain number. For a function "
    "optax keeps a counter, one array more that each call hands back. An MLP of three layers, and a "
    "transformer of two; µs per step. A rate whose step differs from the constant's by more than 5 %, up "
    f"or down, is made and measured again together with the constant, up to {TRIES} times; the fastest of "
    "each counts."
)
