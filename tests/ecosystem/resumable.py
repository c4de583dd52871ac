"""A training run that can be killed at any time and goes on from its last checkpoint.

    python resumable.py FOLDER STEPS

Every step is printed and logged as `step rate parameters`, the numbers as the hexadecimal digits of
their bits, so that two runs can be compared bit for bit. The state is saved every few steps.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp

import jaxsched

SAVE_EVERY = 4


def optimizer():
    schedule = jaxsched.warmup_cosine_decay_schedule(0.0, 0.05, 10, 10_000)
    adam = optax.chain(optax.scale_by_adam(), jaxsched.scale_by_learning_rate(schedule))
    return jaxsched.with_plateau(
        optax.MultiSteps(adam, 2),
        factor=0.9,
        patience=1,
        cooldown=1,
        rtol=0.05,
        accumulation_size=2,
    )


def train(folder: Path, steps: int) -> None:
    tx = optimizer()
    key = jax.random.key(0)
    truth = jax.random.normal(key, (6,))

    @jax.jit
    def update(params, opt_state, step):
        x, noise = (
            jax.random.normal(k, (8, 6)) for k in jax.random.split(jax.random.fold_in(key, step))
        )
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((x @ (p - truth) + noise[:, 0]) ** 2))(
            params
        )
        updates, opt_state = tx.update(grads, opt_state, params, value=loss)
        return optax.apply_updates(params, updates), opt_state, jaxsched.learning_rate(opt_state)

    params = jnp.zeros(6)
    state = {"params": params, "opt_state": tx.init(params)}
    options = ocp.CheckpointManagerOptions(max_to_keep=2)
    with ocp.CheckpointManager(folder / "checkpoints", options=options) as manager:
        start = manager.latest_step() or 0
        if start:
            state = manager.restore(start, args=ocp.args.StandardRestore(state))
        with (folder / "log").open("a") as log:
            log.write("\n")  # a killed run may have left half a line
            for step in range(start, steps):
                params, opt_state, rate = update(state["params"], state["opt_state"], step)
                state = {"params": params, "opt_state": opt_state}
                bits = np.asarray(rate).tobytes().hex(), np.asarray(params).tobytes().hex()
                log.write(f"{step} {bits[0]} {bits[1]}\n")
                log.flush()
                print(step, flush=True)
                if (step + 1) % SAVE_EVERY == 0:
                    manager.save(step + 1, args=ocp.args.StandardSave(state))
        manager.wait_until_finished()
    print(jaxsched.plateau_report(state["opt_state"]).num_reductions, "reductions", flush=True)


if __name__ == "__main__":
    train(Path(sys.argv[1]).absolute(), int(sys.argv[2]))
