"""Which arithmetic a model trains in. It always acts in float32."""

from typing import Literal, TypeAlias

import torch as th

#: What ``precision`` may be.
Precision: TypeAlias = Literal["float32", "bfloat16", "auto"]
#: PyTorch's questions to the processor whether it multiplies bfloat16 matrices; older and other
#: builds lack some of them.
_CPU_CHECKS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def resolve_precision(precision: Precision, device: th.device) -> th.dtype:
    """
    :param precision: ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 on a CPU that
        multiplies bfloat16 matrices in hardware, float32 elsewhere
    :param device: where the model trains
    :return: ``th.bfloat16`` (forward passes under autocast) or ``th.float32``
    """
    if precision == "auto":
        fast = device.type == "cpu" and cpu_multiplies_bfloat16()
        precision = "bfloat16" if fast else "float32"
    return th.bfloat16 if precision == "bfloat16" else th.float32


def cpu_multiplies_bfloat16() -> bool:
    """
    :return: whether the processor has AVX512-BF16 or AMX and this PyTorch uses them
    """
    if not th.backends.mkldnn.is_available():
        return False
    return any(bool(getattr(th.cpu, name, lambda: False)()) for name in _CPU_CHECKS)
