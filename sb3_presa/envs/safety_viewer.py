"""Off-screen rendering of MuJoCo scenes for the environments of ``safety.py``.

Imported when the first picture is drawn: it needs MuJoCo.
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
    "MuJoCo cannot render off-screen here ({}). On Debian and Ubuntu, `apt-get install libegl1` "
    "installs EGL. If EGL is installed but does not work, install libosmesa6 (software rendering) "
    "and set MUJOCO_GL=osmesa"
)

_LOST = (
    "the drawing context must stay open, but something in this process closed it ({}). A window of "
    "pygame, as render_mode='human' opens one, does so without a screen; use 'rgb_array'"
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
        # A missing library raises any of ImportError, AttributeError, OSError, GLError.
        except Exception as error:
            failures.append(f"{name}: {error}")
            # PyOpenGL keeps the platform of the first attempt, so the next one imports it again.
            for module in set(sys.modules) - known:
                if module.startswith(("OpenGL", f"mujoco.{name}")):
                    del sys.modules[module]
    raise RenderingError(_ADVICE.format("; ".join(failures)))


_open_viewers: "weakref.WeakSet[HeadlessViewer]" = weakref.WeakSet()


@cache
def _free_all_at_exit() -> None:
    """Free open viewers before EGL shuts down.

    Called after the first context was opened, and so after MuJoCo registered EGL's shutdown:
    functions that are registered last run first.
    """

    def free_all() -> None:
        for viewer in list(_open_viewers):
            viewer.free()

    atexit.register(free_all)


class HeadlessViewer(OffScreenViewer):
    """Gymnasium's off-screen viewer, without a screen and with several viewers per process.

    Gymnasium's own looks for a screen first, draws into the viewer that was made last, and closes
    every other window of the process when it closes.

    :param model: The ``MjModel`` to draw; its own limits on the size must admit the picture.
    :param data: Its ``MjData``.
    :param width: Width of the pictures in pixels.
    :param height: Height of the pictures in pixels.
    :raises RenderingError: If off-screen rendering does not work.
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
        """Draw the present state of ``model`` and ``data``.

        :param render_mode: ``"rgb_array"``.
        :param camera_id: A camera of the model, or -1 for the free one.
        :param segmentation: Draw ids instead of colours.
        :return: Shape (height, width, 3).
        :raises RenderingError: If something else in this process closed the display, as windows of
            pygame do on a machine without a screen.
        """
        try:
            self.opengl_context.make_current()
        except Exception as error:  # EGLError, GLError or glfw's, of a library that may be missing
            raise RenderingError(_LOST.format(error)) from error
        return np.ascontiguousarray(super().render(render_mode, camera_id, segmentation))

    def free(self) -> None:
        """Release the drawing context; a second call does nothing."""
        # Missing if the constructor failed: Python calls this for such an object, too.
        context, self.opengl_context = getattr(self, "opengl_context", None), None
        if context is not None and hasattr(self, "con"):
            context.make_current()  # otherwise this would delete resources of another viewer
            self.con.free()
        if context is not None:
            context.free()

    def close(self) -> None:
        """The same as :meth:`free`."""
        self.free()
