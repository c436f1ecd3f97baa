"""Drawing MuJoCo scenes without a screen, for the environments of ``safety.py``.

Imported when a first picture is drawn: it needs MuJoCo.
"""

import atexit
import importlib
import os
import sys
import weakref
from functools import cache
from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt
from gymnasium.envs.mujoco.mujoco_rendering import OffScreenViewer

from sb3_presa.envs.safety_compat import platform_restored
from sb3_presa.errors import RenderingError

_BACKENDS = ("egl", "osmesa", "glfw")
_ADVICE = (
    "MuJoCo cannot draw without a screen here ({}); on Debian and Ubuntu, apt-get install libegl1 "
    "brings EGL, and libosmesa6 drawing in software, which the environment variable "
    "MUJOCO_GL=osmesa asks for where EGL is installed but does not work"
)


def _backends() -> tuple[str, ...]:
    """Ways to draw, best first: the one that ``MUJOCO_GL`` names, or all that can work here."""
    chosen = os.environ.get("MUJOCO_GL", "").lower().strip()
    if chosen in _BACKENDS:
        return (chosen,)
    if sys.platform != "linux":
        return ("glfw",)
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return _BACKENDS if has_screen else _BACKENDS[:2]


def _open_context(width: int, height: int) -> Any:
    failures = []
    for name in _backends():
        known = set(sys.modules)
        try:
            with platform_restored():
                return importlib.import_module(f"mujoco.{name}").GLContext(width, height)
        # A missing library shows as any of ImportError, AttributeError, OSError, GLError.
        except Exception as error:
            failures.append(f"{name}: {error}")
            # PyOpenGL settles on the platform of the first attempt: the next one starts afresh.
            for module in set(sys.modules) - known:
                if module.startswith(("OpenGL", f"mujoco.{name}")):
                    del sys.modules[module]
    raise RenderingError(_ADVICE.format("; ".join(failures)))


_open_viewers: "weakref.WeakSet[HeadlessViewer]" = weakref.WeakSet()


@cache
def _free_all_at_exit() -> None:
    """Have viewers that nobody closed go before EGL does.

    Called after the first context was opened, and so after MuJoCo registered the end of EGL: what
    is registered last comes first.
    """

    def free_all() -> None:
        for viewer in list(_open_viewers):
            viewer.free()

    atexit.register(free_all)


class HeadlessViewer(OffScreenViewer):
    """Gymnasium's viewer, where several may live in one process and none needs a screen.

    Gymnasium's own looks for a screen first, draws into whichever viewer was made last, and takes
    every other window of the process down when it closes.

    :param model: The ``MjModel`` to draw; its own limits on the size must admit the picture.
    :param data: Its ``MjData``.
    :param width: Width of the pictures in pixels.
    :param height: Height of the pictures in pixels.
    :raises RenderingError: If there is no way to draw without a screen.
    """

    def __init__(self, model: Any, data: Any, width: int, height: int) -> None:
        try:
            super().__init__(model, data, width, height)
        except mujoco.FatalError as error:
            raise RenderingError(_ADVICE.format(error)) from error

    def _get_opengl_backend(self, width: int, height: int) -> None:
        self.opengl_context = _open_context(width, height)
        _open_viewers.add(self)
        _free_all_at_exit()

    def render(
        self, render_mode: str | None, camera_id: int | None = None, segmentation: bool = False
    ) -> npt.NDArray[np.uint8]:
        """Draw what ``model`` and ``data`` hold now.

        :param render_mode: ``"rgb_array"``.
        :param camera_id: A camera of the model, or -1 for the free one.
        :param segmentation: Draw ids instead of colours.
        :return: Shape (height, width, 3).
        """
        self.opengl_context.make_current()
        return np.ascontiguousarray(super().render(render_mode, camera_id, segmentation))

    def free(self) -> None:
        """Let go of the drawing context; a second call does nothing."""
        # Missing where there was no way to draw: Python calls this for that object, too.
        context, self.opengl_context = getattr(self, "opengl_context", None), None
        if context is not None and hasattr(self, "con"):
            context.make_current()  # else this would delete what belongs to another viewer
            self.con.free()
        if context is not None:
            context.free()

    def close(self) -> None:
        """The same as :meth:`free`."""
        self.free()
