"""Trains in several processes that all reduce their learning rate at the same steps.

Each process sees its own part of the data, so its losses differ from those of the others. A reducer
that went by them would soon scale the updates differently on each process, and the models would drift
apart. With `axis_name` the metric is averaged over the devices before the decision, whether it is the
training loss, given to the update, or the validation loss, given to `observe` after an epoch.

    python examples/distributed.py --processes 2
    python examples/distributed.py --processes 4 --epochs 12 --monitor training --output logs

On a real cluster every process runs `work` with the coordinator's address, which
`jax.distributed.initialize()` finds by itself on most of them.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

STEPS_PER_EPOCH = 8
BATCH = 16
FEATURES = 12


def work(process: int, processes: int, coordinator: str, options: argparse.Namespace) -> None:
    """What each process does."""
    import jax

    jax.distributed.initialize(coordinator, processes, process, initialization_timeout=60)
    import jax.numpy as jnp
    import numpy as np
    import optax
    from jax.sharding import Mesh, NamedSharding
    from jax.sharding import PartitionSpec as P

    import jaxsched

    mesh = Mesh(np.array(jax.devices()), ("data",))
    split, same = NamedSharding(mesh, P("data")), NamedSharding(mesh, P())

    # The processes' data differ: the targets of each have an offset and a noise of their own.
    rng = np.random.default_rng(process)
    truth = np.random.default_rng(99).normal(size=FEATURES)

    def batch():
        x = rng.normal(size=(BATCH, FEATURES))
        y = x @ truth + 0.3 * process + (1 + process) * rng.normal(size=BATCH)
        local = np.float32(x), np.float32(y)
        return [jax.make_array_from_process_local_data(split, part) for part in local]

    in_step = options.monitor == "training"
    tx = jaxsched.with_plateau(
        optax.chain(optax.scale_by_adam(), jaxsched.scale_by_learning_rate(0.2)),
        factor=0.5,
        patience=1,
        rtol=0.05,
        accumulation_size=STEPS_PER_EPOCH // 2 if in_step else 1,
        axis_name="data",
    )

    def local_loss(params, x, y):
        return jnp.mean((x @ params - y) ** 2)

    def step(params, opt_state, x, y):
        def loss(params):
            local = local_loss(params, x, y)
            return jax.lax.pmean(local, "data"), local

        grads, local = jax.grad(loss, has_aux=True)(params)
        updates, opt_state = tx.update(grads, opt_state, params, value=local if in_step else None)
        return optax.apply_updates(params, updates), opt_state, local[None]

    def validate(params, opt_state, x, y):
        local = local_loss(params, x, y)
        if not in_step:
            opt_state = jaxsched.observe(tx, opt_state, value=local)
        return opt_state, local[None]

    replicated, sharded = P(), P("data")
    specs = (replicated, replicated, sharded, sharded)
    train = jax.jit(
        jax.shard_map(step, mesh=mesh, in_specs=specs, out_specs=(replicated, replicated, sharded))
    )
    evaluate = jax.jit(
        jax.shard_map(validate, mesh=mesh, in_specs=specs, out_specs=(replicated, sharded))
    )

    def mine(array):
        """The part of a sharded array that lies on this process."""
        return float(np.mean([shard.data for shard in array.addressable_shards]))

    params = jax.device_put(jnp.zeros(FEATURES), same)
    opt_state = jax.device_put(tx.init(params), same)
    validation = batch()
    log = {"loss": [], "scale": [], "rate": [], "validation": []}
    for epoch in range(options.epochs):
        for _ in range(STEPS_PER_EPOCH):
            params, opt_state, loss = train(params, opt_state, *batch())
            log["loss"].append(mine(loss))
            log["scale"].append(jaxsched.plateau_report(opt_state).scale)
            log["rate"].append(float(jaxsched.learning_rate(opt_state)))
        opt_state, loss = evaluate(params, opt_state, *validation)
        log["validation"].append(mine(loss))
        here = f"process {process}, epoch {epoch + 1:2d}: validation loss {mine(loss):6.3f} here"
        print(f"{here}; {jaxsched.plateau_report(opt_state)}\n", end="", flush=True)
    log["params"] = np.asarray(params.addressable_shards[0].data).tolist()
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / f"process{process}.json").write_text(json.dumps(log))
    jax.distributed.shutdown()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def launch(options: argparse.Namespace) -> int:
    """Starts the processes on this machine, waits, and leaves none behind."""
    processes, coordinator = options.processes, f"127.0.0.1:{free_port()}"
    command = [sys.executable, __file__, *sys.argv[1:], "--coordinator", coordinator]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    workers = [
        subprocess.Popen([*command, "--process", str(i)], env=environment) for i in range(processes)
    ]
    deadline = time.monotonic() + options.timeout
    try:
        while any(worker.poll() is None for worker in workers):
            failed = [worker for worker in workers if worker.poll() not in (None, 0)]
            if failed or time.monotonic() > deadline:
                break
            time.sleep(0.05)
    finally:
        codes = [worker.poll() for worker in workers]
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
    if None in codes and not any(codes):
        print(f"not done after {options.timeout:g} s", file=sys.stderr)
    return 0 if codes == [0] * processes else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--processes", type=int, default=2, help="how many (2)")
    parser.add_argument("--epochs", type=int, default=8, help="passes over the data (8)")
    parser.add_argument(
        "--monitor",
        choices=("training", "validation"),
        default="validation",
        help="whose loss decides",
    )
    parser.add_argument("--output", type=Path, help="a folder for one log per process")
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds until it gives up (300)"
    )
    parser.add_argument("--coordinator", help=argparse.SUPPRESS)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.processes < 1 or options.epochs < 1:
        parser.error("--processes and --epochs must be at least 1")
    if options.process is None:
        return launch(options)
    work(options.process, options.processes, options.coordinator, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
