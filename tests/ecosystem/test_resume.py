"""A run that is killed again and again gives bit for bit the rates and parameters of one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(__file__).parent / "resumable.py"
STEPS = 180
CHAINS, KILLS = 2, 10  # 20 kills in all


def start(folder):
    """The program with one thread: both chains run at once."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": flags,
        "JAX_NUMPY_DTYPE_PROMOTION": "standard",  # which optax's Adam needs
    }
    command = [sys.executable, str(PROGRAM), str(folder), str(STEPS)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def finish(folder):
    """Runs the program to its end; what it printed last."""
    with start(folder) as process:
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0
    return lines[-1]


def kill_after(folder, steps, delay):
    """Kills the program some time after it has done so many steps; the first and the last it did."""
    with start(folder) as process:
        done = [int(process.stdout.readline()) for _ in range(steps)]
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        done += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    assert process.returncode == -signal.SIGKILL
    return done[0], done[-1]


def chain(folder, seed):
    """A run with many kills at random places. Returns how many began from a checkpoint, and lost steps."""
    rng = random.Random(seed)
    folder.mkdir()
    resumed = lost = last = 0
    for _ in range(KILLS):
        first, end = kill_after(folder, rng.randint(2, 12), rng.choice([0.0, 0.001, 0.01]))
        resumed += first > 0
        lost += max(last - first + 1, 0)
        last = end
    return finish(folder), resumed, lost


def log(folder):
    """Lines by step: several where steps were done again."""
    lines = {}
    for line in (folder / "log").read_text().splitlines():
        step, _, bits = line.partition(" ")
        if len(bits) == 8 + 1 + 6 * 8:  # the kill may have come in the middle of a line
            lines.setdefault(int(step), set()).add(bits)
    return lines


def test_killed_runs_equal_an_uninterrupted_one(tmp_path):
    folders = [tmp_path / f"killed{i}" for i in range(CHAINS)]
    with ThreadPoolExecutor(CHAINS) as pool:
        outcomes = list(pool.map(chain, folders, range(CHAINS)))
    whole = tmp_path / "whole"
    whole.mkdir()
    last_words = finish(whole)
    expected = log(whole)
    assert sorted(expected) == list(range(STEPS))
    assert all(len(bits) == 1 for bits in expected.values())
    assert int(last_words.split()[0]) > 5  # reductions
    for folder, (words, resumed, lost) in zip(folders, outcomes, strict=True):
        assert words == last_words
        assert log(folder) == expected
        assert resumed >= KILLS // 2  # they did go on from checkpoints
        assert lost > 0  # and did steps again
