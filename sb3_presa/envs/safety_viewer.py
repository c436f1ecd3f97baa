"""Drawing MuJoCo scenes without a screen, for the environments of ``safety.py``.

Imported when a first picture is drawn: it needs MuJoCo.
"""

import atexit
import contextlib
import importlib
import os
import sys
import weakref
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.envs.mujoco.mujoco_rendering import OffScreenViewer

from sb3_presa.errors import RenderingError

_BACKENDS = ("egl", "osmesa", "glfw")


def _backends() -> tuple[str, ...]:
    """Ways to draw, best first: the one that ``MUJOCO_GL`` names, or all that can work here."""
    chosen = os.environ.get("MUJOCO_GL", "").lower().strip()
    if chosen in _BACKENDS:
        return (chosen,)
    if sys.platform != "linux":
        return ("glfw",)
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return _BACKENDS if has_screen else _BACKENDS[:2]


@contextlib.contextmanager
def _platform_restored() -> Iterator[None]:
    """Undo that a backend of MuJoCo sets ``PYOPENGL_PLATFORM`` when it is imported."""
    was_unset = "PYOPENGL_PLATFORM" not in os.environ
    try:
        yield
    finally:
        if was_unset:
            os.environ.pop("PYOPENGL_PLATFORM", None)


def _open_context(width: int, height: int) -> Any:
    failures = []
    for name in _backends():
        try:
            with _platform_restored():
                return importlib.import_module(f"mujoco.{name}").GLContext(width, height)
        # A missing library shows as any of ImportError, AttributeError, OSError, GLError.
        except Exception as error:
            failures.append(f"{name}: {error}")
    raise RenderingError(
        "MuJoCo cannot draw without a screen here ("
        + "; ".join(failures)
        + "); install EGL, on Debian and Ubuntu with: apt-get install libegl1 (or libosmesa6 for "
        "drawing in software, chosen by the environment variable MUJOCO_GL=osmesa)"
    )


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
        if context is not None:
            context.make_current()  # else this would delete what belongs to another viewer
            self.con.free()
            context.free()

    def close(self) -> None:
        """The same as :meth:`free`."""
        self.free()
