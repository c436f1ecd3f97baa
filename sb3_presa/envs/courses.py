"""Courses of the scripted agents of Bullet's tasks."""

from collections.abc import Callable

import numpy as np

from sb3_presa.envs.scripted import Vector

Wish = Callable[[Vector], Vector]
"""Place -> velocity, both (2,), in metres and metres per second."""


def flattened_circle(speed: float, radius: float, width: float, sharpness: float) -> Wish:
    """Clockwise along a circle that is flattened at its left and right.

    :param speed: m/s.
    :param radius: Of the circle, metres.
    :param width: The largest ``|x|``, metres; no flat sides from ``radius`` up.
    :param sharpness: Of the corners, at least 2.
    :return: The wish.
    """

    def wish(place: Vector) -> Vector:
        distance = max(float(np.linalg.norm(place)), 1e-6)
        # The course is where a norm is 1: that of both shapes' norms.
        of_circle, of_sides = (distance / radius) ** sharpness, (abs(place[0]) / width) ** sharpness
        norm = (of_circle + of_sides) ** (1 / sharpness)
        outwards = of_circle * place / distance**2
        outwards[0] += of_sides / place[0] if place[0] else 0.0
        outwards /= max(float(np.linalg.norm(outwards)), 1e-9)
        back = np.clip(distance * (1 / norm - 1), -1.5, 1.5)
        course = np.array([outwards[1], -outwards[0]]) + back * outwards
        return np.asarray(speed * course / np.linalg.norm(course))

    return wish
