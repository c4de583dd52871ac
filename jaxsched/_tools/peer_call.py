"""A peer's scheduler written as a call, `torch.CosineAnnealingLR(lr=0.1, T_max=100)`, as a schedule.

The text is read, not run: a dotted name and literals. Where torch takes schedulers, calls stand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from jaxsched._core.schedule import Schedule

LONGEST_TEXT = 20_000
_PEER = re.compile(r"\s*(torch|timm|keras|tf|tensorflow|transformers)\s*\.")

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(")


def is_peer_call(text: str) -> bool:
    """Whether a text names a peer: none of jaxsched's own names does."""
    return _PEER.match(text) is not None


def is_peer_config(data: Any) -> bool:
    """Whether this is what Keras's ``serialize`` writes."""
    return isinstance(data, Mapping) and "class_name" in data and "config" in data


def missing_prefix(text: str) -> str | None:
    """What to write instead of a peer's name without the peer's; None if the text is no such call."""
    from jaxsched._core.near import near_matches
    from jaxsched.interop.keras import NAMES as KERAS
    from jaxsched.interop.timm import NAMES as TIMM
    from jaxsched.interop.torch import NAMES as TORCH
    from jaxsched.interop.transformers import FUNCTIONS

    match = _CALL.match(text)
    if match is None:
        return None
    name = match[1]
    peers = {"torch": TORCH, "keras": KERAS, "timm": TIMM, "transformers": FUNCTIONS}
    dotted = [f"{peer}.{name}" for peer, names in peers.items() if name in names]
    if dotted:
        return f"{name!r} needs the library's name before it: {' or '.join(dotted)}"
    if name == name.lower():  # as jaxsched's own
        return None
    near = near_matches(name, [f"{peer}.{name}" for peer, names in peers.items() for name in names])
    return near and f"{name!r} is not known; did you mean {near}?"


def read_peer_call(text: str) -> Schedule:
    """The schedule of a call such as ``keras.ExponentialDecay(initial_learning_rate=0.1, ...)``.

    What stands between the peer's name and the class's, as in
    ``torch.optim.lr_scheduler.StepLR``, is left out.

    Raises:
      ValueError: it is no such call, or not of a schedule.
      TypeError: an argument is unknown, missing or of the wrong type.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"the text must have at most {LONGEST_TEXT} characters, got {len(text)}")
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"not a call: {text[:60]!r}") from error
    path, _, name = _name(call).rpartition(".")
    peer = path.partition(".")[0]
    if not peer:
        raise ValueError(f"not a call of a peer's class: {text[:60]!r}")
    return _schedule(_convert(peer, name, _arguments(call)), f"{peer}.{name}")


def read_peer_config(data: Mapping[str, Any]) -> Schedule:
    """The schedule of what Keras's ``serialize`` writes."""
    from jaxsched.interop.keras import from_keras

    return _schedule(from_keras(data), f"keras.{data['class_name']}")


def _convert(peer: str, name: str, arguments: dict[str, Any]) -> Any:
    if peer == "torch":
        from jaxsched.interop.torch import from_torch

        return from_torch(name, **arguments)
    if peer == "timm":
        from jaxsched.interop.timm import from_timm

        return from_timm(name, **arguments)
    if peer == "transformers":
        from jaxsched.interop.transformers import from_transformers

        if "learning_rate" not in arguments:
            got = ", got 'lr'" if "lr" in arguments else ""
            raise TypeError(f"transformers.{name}: missing argument 'learning_rate'{got}")
        return from_transformers(name, **arguments)
    from jaxsched.interop.keras import from_keras

    return from_keras(name, **arguments)


def _schedule(converted: Any, what: str) -> Schedule:
    if not isinstance(converted, Schedule):
        raise ValueError(
            f"{what} follows a metric and has no curve: "
            "jaxsched.interop makes an Optax transformation of it"
        )
    return converted


def _name(call: ast.expr) -> str:
    """The dotted name that is called."""
    if not isinstance(call, ast.Call):
        raise ValueError(f"not a call: {_shown(call)}")
    parts, node = [], call.func
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ValueError(f"not a name: {_shown(call.func)}")
    return ".".join([node.id, *reversed(parts)])


def _arguments(call: ast.expr) -> dict[str, Any]:
    assert isinstance(call, ast.Call)
    if call.args:
        raise ValueError(f"arguments must be given by name, got {_shown(call.args[0])}")
    found: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in found:
            raise ValueError(f"arguments must be given once and by name, got {_shown(keyword)}")
        found[keyword.arg] = _value(keyword.value)
    return found


def _value(node: ast.expr) -> Any:
    """A literal; in a list also calls, each as its last name and its arguments."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Call):
        return _name(node).rpartition(".")[2], _arguments(node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"not a number, text, list or mapping: {_shown(node)}") from error


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return repr(text if len(text) <= 60 else text[:57] + "...")
