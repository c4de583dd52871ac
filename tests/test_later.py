"""What `import jaxsched` leaves for later: it is not loaded before, and is not missed."""

from __future__ import annotations

import doctest
import inspect
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import jaxsched as js
from jaxsched import _later

ROOT = Path(__file__).parent.parent
LATER = sorted(name for name in vars(_later) if not name.startswith("_"))
LOADED = """
import sys
import jax, optax
others = set(sys.modules)
import jaxsched
before = {name for name in sys.modules if name.startswith("jaxsched._")}
"""


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED + program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_what_a_schedule_does_not_need_is_not_loaded():
    loaded = run(
        "import jax\n"
        "schedule = jaxsched.warmup_cosine_decay_schedule(0.0, 1.0, 10, 100)\n"
        "schedule(5), jax.jit(schedule)(5), repr(schedule), hash(schedule), schedule.replace()\n"
        "print(*(name for name in sys.modules if name.startswith('jaxsched')))"
    )
    assert "jaxsched._forms.recipes" in loaded
    assert not [name for name in loaded if name.startswith("jaxsched._config")]
    assert not [name for name in loaded if name.startswith(("jaxsched._tools", "jaxsched._opt"))]
    assert "jaxsched._later" not in loaded
    assert "jaxsched.interop" not in loaded


def test_nothing_but_its_own_is_loaded():
    """Beside what JAX and Optax load: what only annotations name, as `numpy.typing`, is left out."""
    loaded = run("print(*set(sys.modules) - others)")
    assert [name for name in loaded if name.partition(".")[0] != "jaxsched"] == []
    assert "jaxsched.shapes" in loaded


@pytest.mark.parametrize(
    "program",
    [
        "names = dir(jaxsched)",
        "from jaxsched import *; names = list(globals())",
        "import jaxsched.interop; names = jaxsched.__all__",
        "jaxsched.from_config; names = list(vars(jaxsched))",
        f"names = [name for name in {LATER} if getattr(jaxsched, name)]",
    ],
)  # fmt: skip
def test_no_name_is_missed(program):
    names = run(f"{program}\nprint(*names)")
    assert len(LATER) > 20
    assert len(names) == len(set(names))
    assert set(LATER) <= set(names)


def test_a_name_that_is_nowhere():
    for name in ("zzz", "_cosine", "__wrapped__"):
        with pytest.raises(AttributeError, match=f"^module 'jaxsched' has no attribute '{name}'$"):
            getattr(js, name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cosine_decay", "cosine_decay_schedule"),
        ("cosine", "cosine_decay_schedule"),
        ("exponential", "exponential_decay"),
        ("from_confg", "from_config"),  # of those that come later
        ("interopp", "interop"),
    ],
)
def test_what_was_probably_meant_is_named(name, meant):
    """Once: Python, which knows only of small slips, adds none of its own to the traceback."""
    message = (
        rf"^module 'jaxsched' has no attribute '{name}'; did you mean '{meant}'( or '\w+')*\?$"
    )
    with pytest.raises(AttributeError, match=message) as caught:
        getattr(js, name)
    assert not hasattr(js, name)
    assert "".join(traceback.format_exception(caught.value)).lower().count("did you mean") == 1


def test_no_factory_is_among_them():
    """A configuration may name each of them without having it loaded."""
    assert not [name for name in LATER if hasattr(getattr(js, name), "form")]
    asked = (
        "print(*(jaxsched.from_config({'name': name, 'value': 1.0})(0) "
        "for name in ('constant_schedule',)), jaxsched.parse('with_noise(step_decay(1.0, 2), 0.0)')(2))"
    )
    assert run(asked) == ["1.0", "0.5"]


MADE = {
    "Horizon": "jaxsched.Horizon(steps=10)",
    "Inspection": "jaxsched.inspect(jaxsched.constant_schedule(0.1), 10)",
    "ReduceLROnPlateauState": "jaxsched.interop.from_torch('ReduceLROnPlateau', lr=0.1).init({})",
    "ScaleByLearningRateState": "jaxsched.scale_by_learning_rate(0.1).init({})",
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_pickled_names_the_public_module(name):
    """Also what a function returns whose class was never asked for."""
    printed = run(
        f"import pickle\nvalue = {MADE[name]}\n"
        "print(type(value).__name__, type(value).__module__, b'jaxsched._' in pickle.dumps(value), "
        "type(pickle.loads(pickle.dumps(value))) is type(value))"
    )
    assert printed == [name, "jaxsched", "False", "True"]


def test_every_public_value_says_that_it_is_public():
    for name in LATER:
        assert getattr(js, name).__module__ == "jaxsched", name
        assert getattr(js, name) is getattr(_later, name)


CLASSES = [value for value in (getattr(js, name) for name in dir(js)) if inspect.isclass(value)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_examples_of_classes(cls):
    """Those of functions pytest finds in their files; a class says that it is in another."""
    texts = {cls.__name__: cls.__doc__ or ""}
    for name, value in vars(cls).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if inspect.isfunction(function):
            texts[f"{cls.__name__}.{name}"] = function.__doc__ or ""
    runner = doctest.DocTestRunner()
    for name, text in texts.items():
        runner.run(doctest.DocTestParser().get_doctest(text, {}, name, None, None))
    failed, tried = runner.summarize(verbose=False)
    assert not failed
    assert tried == sum(text.count(">>> ") for text in texts.values())


def test_there_are_such_examples():
    methods = (js.Horizon.epochs_at, js.Horizon.steps)
    assert {js.Horizon, js.Schedule, js.RangeTest, js.Inspection} <= set(CLASSES)
    assert all(">>> " in (value.__doc__ or "") for value in (js.Horizon, *methods))
