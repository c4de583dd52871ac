"""Kernels and branches are counted as they stand in the text of an optimized program."""

from __future__ import annotations

import importlib

import jax
import pytest

import benchmarks.run  # noqa: F401 (it makes the modules beside it importable)

_kernels = importlib.import_module("_kernels")

HLO = """HloModule jit_f, is_scheduled=true

FileLocations
1 {file_name_id=1 function_name_id=1 line=11 end_line=11 column=27 end_column=53}

%fused (param_0: f32[]) -> f32[] {
  %param_0 = f32[] parameter(0)
  ROOT %add = f32[] add(%param_0, %param_0)
}

%small (p: f32[]) -> f32[] {
  %p = f32[] parameter(0)
  ROOT %copy.1 = f32[] copy(%p)
}

%large (p: f32[]) -> f32[] {
  %p.1 = f32[] parameter(0)
  %fusion.1 = f32[] fusion(%p.1), kind=kLoop, calls=%fused
  ROOT %fusion.2 = f32[] fusion(%fusion.1), kind=kLoop, calls=%fused
}

%command_buffer (p: f32[]) -> f32[] {
  %p.2 = f32[] parameter(0)
  %fusion.3 = f32[] fusion(%p.2), kind=kLoop, calls=%fused
  ROOT %custom-call.1 = f32[] custom-call(%fusion.3), custom_call_target="__cublas$gemm"
}

%body (t: (s32[], f32[])) -> (s32[], f32[]) {
  %t = (s32[], f32[]) parameter(0)
  %gte.0 = s32[] get-tuple-element(%t), index=0
  %gte.1 = f32[] get-tuple-element(%t), index=1
  %call.1 = f32[] call(%gte.1), to_apply=%command_buffer
  %conditional.1 = f32[] conditional(%gte.0, %call.1, %call.1), branch_computations={%small, %large}
  %start = ((f32[]), f32[]) copy-start(%conditional.1)
  %done = f32[] copy-done(%start)
  ROOT %tuple.1 = (s32[], /*index=1*/f32[]) tuple(%gte.0, %done)
}

%condition (t: (s32[], f32[])) -> pred[] {
  %t.1 = (s32[], f32[]) parameter(0)
  ROOT %constant.1 = pred[] constant(true)
}

ENTRY %main (x: f32[]) -> f32[] {
  %x = f32[] parameter(0)
  %zero = s32[] constant(0)
  %fusion.4 = f32[] fusion(%x), kind=kLoop, calls=%fused
  %tuple.2 = (s32[], f32[]) tuple(%zero, %fusion.4)
  %while.1 = (s32[], f32[]) while(%tuple.2), condition=%condition, body=%body
  %gte.2 = f32[] get-tuple-element(%while.1), index=1
  ROOT %choice = f32[] conditional(%gte.2, %x, %x), true_computation=%small, false_computation=%small
}
"""


def test_launches_are_read_off_the_program():
    """In a step: two in the command buffer, the longer branch's two, a copy; no parameter, tuple or end."""
    assert _kernels.launches_per_step(HLO) == _kernels.Launches(kernels=5, conditionals=1)
    assert _kernels.launches(HLO) == _kernels.Launches(kernels=1 + 5 + 1, conditionals=2)


def test_a_program_without_a_loop_is_told():
    text = jax.jit(lambda x: x * 2).lower(1.0).compile().as_text()
    assert _kernels.launches(text).kernels == 1
    with pytest.raises(ValueError, match="the program has no loop"):
        _kernels.launches_per_step(text)
    with pytest.raises(ValueError, match="no HLO text"):
        _kernels.launches("")
