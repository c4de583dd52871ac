"""A training run that can be killed at any time and goes on from its last checkpoint.

    python resumable.py FOLDER STEPS

Every step is printed and logged as `step rate parameters`, the numbers as the hexadecimal digits of
their bits, so that two runs can be compared bit for bit. The state is saved every few steps. What begins,
the restore, the compilation or a save, is printed too, so that a kill can be aimed at it.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp

import jaxsched
from benchmarks import endurance

SAVE_EVERY = 4


def say(what: object) -> None:
    print(what, flush=True)


def optimizer(steps: int):
    schedule = endurance.composed(steps, cycle=30, warmup=10)
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
    tx = optimizer(steps)
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
    say("restoring")
    with ocp.CheckpointManager(folder / "checkpoints", options=options) as manager:
        start = manager.latest_step() or 0
        if start:
            state = manager.restore(start, args=ocp.args.StandardRestore(state))
        say("compiling")
        with (folder / "log").open("a") as log:
            log.write("\n")  # a killed run may have left half a line
            for step in range(start, steps):
                params, opt_state, rate = update(state["params"], state["opt_state"], step)
                state = {"params": params, "opt_state": opt_state}
                bits = np.asarray(rate).tobytes().hex(), np.asarray(params).tobytes().hex()
                log.write(f"{step} {bits[0]} {bits[1]}\n")
                log.flush()
                say(step)
                if (step + 1) % SAVE_EVERY == 0:
                    say("saving")
                    manager.save(step + 1, args=ocp.args.StandardSave(state))
        manager.wait_until_finished()
    say(f"{jaxsched.plateau_report(state['opt_state']).num_reductions} reductions")


if __name__ == "__main__":
    train(Path(sys.argv[1]).absolute(), int(sys.argv[2]))
