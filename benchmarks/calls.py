"""What Python takes for a call alone: below that no schedule can be read, whatever it computes."""

import functools

from _measure import interleaved
from _peers import STEP

WHAT = {
    "loop": "the loop of the measurement, which all have in them",
    "function": "a function that returns a constant",
    "tested": "the same, which first tells a number in range from all else",
    "partial": "an object of a subclass of functools.partial, of the latter",
    "bare": "an object whose __call__ returns the constant",
    "object": "an object that tells a number from all else and calls a function it holds",
}


def _constant(step):
    return 0.1


def _tested(step):
    if type(step) is int and 0 <= step < 2**30:
        return 0.1
    raise TypeError(step)


class Partial(functools.partial):
    """An object that Python calls without a method in between."""

    __slots__ = ()


class Bare:
    """The least object that can be called: it looks at nothing."""

    def __call__(self, step):
        return 0.1


class Callable:
    """The least object that reads a formula it holds: it may be given an array as well."""

    def __init__(self, formula):
        self.formula = formula

    def __call__(self, step):
        if type(step) is int:
            return self.formula(step)
        raise TypeError(step)


def measure(quick):
    how = {"rounds": 5 if quick else 25, "seconds": 0.002 if quick else 0.01}
    readers = {
        "function": _constant,
        "tested": _tested,
        "partial": Partial(_tested),
        "bare": Bare(),
        "object": Callable(_constant),
    }
    calls = {who: lambda read=read: read(STEP) for who, read in readers.items()}
    seconds = interleaved({"loop": lambda: None, **calls}, **how)
    ns = {who: s * 1e9 for who, s in seconds.items()}
    added = {who: ns[who] - ns["function"] for who in ("partial", "bare", "object")}
    return [
        {
            "what is called": what,
            "ns": ns[who],
            "more than the function, ns": added.get(who),
            "without the loop / function": None
            if who == "loop"
            else (ns[who] - ns["loop"]) / (ns["function"] - ns["loop"]),
        }
        for who, what in WHAT.items()
    ]


def conclude(rows):
    more = {row["what is called"]: row["more than the function, ns"] for row in rows}
    bare, held = more[WHAT["bare"]], more[WHAT["object"]]
    yield (
        None,
        f"to call an object instead of a function takes {bare:.0f} ns more where it looks at nothing, and "
        f"{held:.0f} ns more where it knows a number from an array and calls the formula: what takes less "
        "than that as a function takes more than twice as long as an object",
    )


TITLE = "Host: what a call takes"
NOTE = (
    "Nanoseconds to be given a constant, with no library: what a schedule takes beyond its formula, and "
    "what the column jaxsched / python of the section before is to be read against."
)
