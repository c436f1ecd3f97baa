"""Top-down pictures of MetaDrive, drawn in memory without a screen or a display driver.

Upstream's own renderer opens pygame's window, and a process has only one. Here its functions for
lanes and vehicles draw on private surfaces.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 480, 360
_SCALE = 4.0  # pixels per metre
_MARGIN = 50.0  # metres around the map
_GROUND, _ROAD, _LINE = (225, 230, 220), (120, 120, 120), (245, 245, 245)
_EGO, _TRAFFIC = (30, 170, 60), (60, 110, 200)


class TopDownViewer:
    """Draws the surroundings of the driven vehicle; its heading does not turn the picture.

    :param metadrive: What :func:`~sb3_presa.envs.metadrive_compat.load_metadrive` returns.
    :param current_map: The map of the episode, drawn once.
    """

    def __init__(self, metadrive: SimpleNamespace, current_map: Any) -> None:
        self._metadrive = metadrive
        left, right, low, high = current_map.road_network.get_bounding_box()
        size = np.array([right - left, high - low]) + 2 * _MARGIN
        self._map = self._surface((size * _SCALE).astype(int), np.array([left, low]) - _MARGIN)
        self._map.fill(_GROUND)
        lanes = [
            lane
            for ends in current_map.road_network.graph.values()
            for lanes in ends.values()
            for lane in lanes
        ]
        for lane in lanes:
            metadrive.LaneGraphics.simple_draw(lane, self._map, color=_ROAD)
        for lane in lanes:
            metadrive.LaneGraphics.display(lane, self._map, color=_LINE)

    def _surface(self, size: npt.NDArray[np.int64], origin: npt.NDArray[np.float64]) -> Any:
        width_height = int(size[0]), int(size[1])
        surface = self._metadrive.WorldSurface(
            width_height, 0, self._metadrive.pygame.Surface(width_height)
        )
        surface.scaling, surface.origin = _SCALE, origin
        return surface

    def draw(self, ego: Any, vehicles: list[Any]) -> npt.NDArray[np.uint8]:
        """Draw one picture.

        :param ego: The driven vehicle: green, in the middle of the picture.
        :param vehicles: All vehicles; the others are blue.
        :return: Shape (360, 480, 3), uint8.
        """
        size = np.array([WIDTH, HEIGHT])
        view = self._surface(size, np.asarray(ego.position) - size / 2 / _SCALE)
        view.fill(_GROUND)
        view.blit(self._map, view.vec2pix(self._map.origin))
        for vehicle in vehicles:
            self._metadrive.VehicleGraphics.display(
                vehicle=vehicle,
                surface=view,
                color=_EGO if vehicle is ego else _TRAFFIC,
                heading=vehicle.heading_theta,
                draw_countour=True,
            )
        pixels: npt.NDArray[np.uint8] = self._metadrive.pygame.surfarray.array3d(view)
        return np.ascontiguousarray(pixels.swapaxes(0, 1))
