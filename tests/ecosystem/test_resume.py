"""A run that is killed again and again gives bit for bit the rates and parameters of one that is not."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(__file__).parent / "resumable.py"
STEPS = 180

# What the program is at when it is killed -> how often, and seconds within which that falls: those of
# the uninterrupted run, but at least so many, for that has nothing to restore and saves beside its steps.
START, STEPPING = "start", "stepping"
PHASES = {
    START: (3, 0.0),  # Python, and the imports
    "restoring": (2, 0.3),
    "compiling": (2, 0.0),
    "saving": (3, 0.1),
    STEPPING: (3, 0.01),
}


def start(folder):
    """The program, with one thread."""
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
    """Runs the program to its end; what it printed last, and the seconds that each phase took at first."""
    told = [(START, time.perf_counter())]
    with start(folder) as process:
        told += [(line.strip(), time.perf_counter()) for line in process.stdout]
    assert process.returncode == 0
    seconds = {}
    for (what, begin), (_, end) in itertools.pairwise(told):
        seconds.setdefault(what, end - begin)
    return told[-1][0], seconds


def kill(folder, phase, times, delay):
    """Kills the program so long after it has told of a phase so many times; the steps it did."""
    with start(folder) as process:
        lines = []
        while not reached(lines, phase, times):
            line = process.stdout.readline()
            assert line, f"it ended before it was {phase}"
            lines.append(line)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [int(line) for line in lines if line.strip().isdigit() and line.endswith("\n")]


def reached(lines, phase, times):
    told = sum(line.strip().isdigit() if phase == STEPPING else phase in line for line in lines)
    return phase == START or told >= times


def chain(folder, rng, seconds):
    """A run that is killed in all phases at random; its last words, how often it began from a
    checkpoint, and how many steps were lost.
    """
    phases = [phase for phase, (count, _) in PHASES.items() for _ in range(count)]
    rng.shuffle(phases)
    resumed = lost = last = 0
    for phase in phases:
        times = {STEPPING: rng.randint(2, 12), "saving": rng.randint(1, 3)}.get(phase, 1)
        within = max(seconds.get(phase, 0.0), PHASES[phase][1])
        if done := kill(folder, phase, times, rng.uniform(0.0, within)):
            resumed += done[0] > 0
            lost += max(last - done[0] + 1, 0)
            last = done[-1]
    return finish(folder)[0], resumed, lost


def log(folder):
    """Lines by step: several where steps were done again."""
    lines = {}
    for line in (folder / "log").read_text().splitlines():
        step, _, bits = line.partition(" ")
        if len(bits) == 8 + 1 + 6 * 8:  # the kill may have come in the middle of a line
            lines.setdefault(int(step), set()).add(bits)
    return lines


def test_killed_runs_equal_an_uninterrupted_one(tmp_path):
    """Killed while it starts, restores, compiles, saves or steps, and no matter when."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    last_words, seconds = finish(whole)
    expected = log(whole)
    assert sorted(expected) == list(range(STEPS))
    assert all(len(bits) == 1 for bits in expected.values())
    assert int(last_words.split()[0]) > 5  # reductions
    words, resumed, lost = chain(killed, random.Random(0), seconds)
    assert words == last_words
    assert log(killed) == expected
    assert resumed >= 3  # it did go on from checkpoints
    assert lost > 0  # and did steps again
