"""``torch.compile`` with a way back where it does not work."""

import warnings
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

import torch as th

P = ParamSpec("P")
R = TypeVar("R")


class CompiledFunction(Generic[P, R]):
    """
    A function that is compiled at its first call and, if that fails, runs as it is from then on.

    :param function: what to compile; a call of it that fails must leave everything as it was
    :param device: where it runs; on CUDA its kernels are captured in a graph and replayed
    """

    def __init__(self, function: Callable[P, R], device: th.device) -> None:
        mode = "reduce-overhead" if device.type == "cuda" else "default"
        self._eager = function
        self._compiled: Callable[P, R] | None = th.compile(function, mode=mode)

    @property
    def is_compiled(self) -> bool:
        """:return: whether it was not given up"""
        return self._compiled is not None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """
        :param args: the function's
        :param kwargs: the function's
        :return: what the function returns
        """
        if self._compiled is None:
            return self._eager(*args, **kwargs)
        try:
            return self._compiled(*args, **kwargs)
        except Exception as error:
            # A compiler fails in many ways; a fault of the function itself shows again below
            self._compiled = None
            # PyTorch's first line says which compiler failed, the second why
            reason = " ".join(str(error).split("\n")[:2]).strip()
            warnings.warn(
                f"the step could not be compiled and runs uncompiled: "
                f"{type(error).__name__}: {reason}",
                stacklevel=2,
            )
        return self._eager(*args, **kwargs)
