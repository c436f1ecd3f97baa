"""A scripted agent for SafetyGym's Push tasks, which brings the box to goal after goal.

It drives around the box to the side that is away from the goal, and pushes. Its action is a
function of the observation, without memory, and continuous except at the choice of a side. So it
can be cloned. Each episode draws a style: speed, clearance from hazards (or none), and action
noise, which all have. Recipes name it as ``scripted``.
"""

import cmath
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.safety_senses import Senses, bearings_of
from sb3_presa.envs.scripted import Act, shaky

# Places, velocities and directions are complex numbers in the agent's own frame: ahead is 1, left
# is 1j. Distances are in metres, angles in radians.
_HAZARD, _PILLAR = 0.3, 0.2  # radii
_FROM_PILLAR = 0.35  # distance from a pillar's edge at which the agent begins to keep off
# How strongly it keeps off, for each metre that it is nearer: added to a course of length 1.
_KEEPING_OFF = 3.4
# What is right ahead is passed on one side: a push straight back would hold the agent before it.
_PAST = cmath.exp(0.6j)

_DETOUR = 1.4  # how far it drives past the box, for each radian that it is off the line
_LEAST, _MOST = 1.1, 2.3  # bounds of the largest detour
_INWARDS = 1.5  # radians per metre, by which it comes nearer where it is too far away
_LOYALTY = 0.6  # a side of the box is preferred by this share of the angle that it is ahead on
_SLOWER = 0.6  # share of its speed that it loses beside the box as long as it is off the line
_SLOWER_IN_TURNS = 0.6  # and for each radian that it has to turn
# Forces saturate at actions of 0.05 (Point) and 0.02 (Car), so this is a tight control of speed.
# Actions as small as that would count for nothing beside those of steering when they are cloned.
_GAIN = 2.0

_CARELESS = 0.25  # share of the agents that ignore hazards


@dataclass(frozen=True)
class _Body:
    """The properties of one robot.

    :param around: Distance from the box's centre at which it goes around it.
    :param slip: Share of its velocity that steering makes up for: a point slides, a car rolls.
    :param axle: Half the distance between its wheels; 0 for a point, which turns without them.
    :param steering: Its turn for each radian off the course: of a point its action, of a car
        radians per second.
    :param turning: Its fastest turn, in radians per second.
    :param slowest: Share of its speed that it keeps where its course is behind: a point drives
        back, a car on. Where it would stand, clones stay for ever.
    """

    around: float
    slip: float
    axle: float
    steering: float
    turning: float
    slowest: float


_POINT = _Body(around=0.5, slip=0.3, axle=0.0, steering=2.5, turning=math.inf, slowest=-1.0)
_CAR = _Body(around=0.45, slip=0.0, axle=0.13, steering=3.4, turning=2.5, slowest=0.3)


def to_push(env: Any, rng: np.random.Generator) -> Act:
    """An agent that pushes the box to goal after goal.

    :param env: A Push task of SafetyGym, reset.
    :param rng: Draws the style: a quarter of the agents ignore hazards.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no lidar of a box.
    """
    speed, careless = rng.uniform(0.6, 1.0), rng.random() < _CARELESS
    push = push_driver(env, speed, 0.0 if careless else rng.uniform(0.1, 0.3))
    # All act with noise: where logs are narrow, clones drift into states that no log shows.
    return shaky(push, rng.uniform(0.2, 0.5), rng)


def push_driver(env: Any, speed: float, clearance: float) -> Act:
    """An agent that pushes the box to goal after goal in a given style.

    :param env: A Push task of SafetyGym, reset.
    :param speed: Wished speed in m/s.
    :param clearance: Distance in metres from the edge of a hazard at which it begins to keep off;
        at 0 or less it ignores hazards.
    :return: Observation -> action.
    :raises ConfigError: If the observation has no lidar of a box.
    """
    senses = Senses(env)
    senses.need("push_box_lidar", env)
    body = _CAR if senses.is_car else _POINT
    see = _Sight(senses)

    def act(observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        hazards, pillars = see(observation, "hazards"), see(observation, "pillars")
        # What is beyond the lidar's range is taken to be where the obstacles are: in the middle.
        middle = _unit(sum(map(_unit, hazards + pillars), 0j))
        box = next(iter(see(observation, "push_box")), senses.lidar_range * middle)
        goal = next(iter(see(observation, "goal")), box + middle)
        if clearance <= 0:
            hazards = []
        to_box = _unit(box)
        # The line to push along, as seen in the direction of the box.
        off = _on_one_side(cmath.phase(_unit(goal - box) / to_box), _LOYALTY * cmath.phase(to_box))
        course = to_box * cmath.exp(-1j * _detour(off, abs(box) - body.around))
        course = course + _away(course, pillars, _PILLAR + _FROM_PILLAR)
        course = course + _away(course, hazards, _HAZARD + clearance)
        wish = course / max(abs(course), 0.5) * speed * _caution(off, abs(box))
        velocity = complex(*senses.heading(senses.velocity(observation)))
        turn = cmath.phase(wish - body.slip * velocity)
        ahead = max(body.slowest * speed, wish.real) * (1 - _SLOWER_IN_TURNS * min(abs(turn), 1))
        force = ahead - velocity.real
        return _action(body, force, turn, senses.turning(observation))

    return act


class _Sight:
    """Places of things, from the readings of lidars.

    :param senses: The layout of an observation.
    """

    def __init__(self, senses: Senses) -> None:
        self._senses = senses
        self._rays: list[complex] = []

    def __call__(self, observation: npt.NDArray[np.float32], name: str) -> list[complex]:
        """Places of the things that stand out.

        A thing is read by the ray nearest to it, and less by the two beside this ray, from which
        its direction follows.
        """
        readings: list[float] = self._senses.lidar(observation, f"{name}_lidar").tolist()
        n = len(readings)
        if not self._rays:
            rays = (np.array([math.cos(b), math.sin(b)]) for b in bearings_of(n).tolist())
            self._rays = [complex(*self._senses.heading(ray)) for ray in rays]
        found = []
        for ray, reading in enumerate(readings):
            after = (ray + 1) % n
            if reading > readings[after] and reading >= readings[ray - 1]:
                around = (ray - 1, ray, after)
                direction = _unit(sum(readings[i] * self._rays[i] for i in around))
                found.append(direction * self._senses.lidar_range * (1 - reading))
        return found


def _unit(vector: complex) -> complex:
    length = abs(vector)
    return vector / length if length > 0 else 1 + 0j


def _away(course: complex, obstacles: Iterable[complex], reach: float) -> complex:
    """A correction of a course that keeps off obstacles within reach.

    A sum, in which those ahead count most. Courses that go along the edges of obstacles, or lines
    that lead the box around them, are safe too, but clones hardly learn them.
    """
    total = 0j
    for obstacle in obstacles:
        towards = _unit(obstacle)
        ahead = (1 + (course * towards.conjugate()).real) / 2
        total -= _KEEPING_OFF * max(0.0, reach - abs(obstacle)) * ahead * towards * _PAST
    return total


def _on_one_side(angle: float, preferred: float) -> float:
    """The angle, a turn more or less if that is nearer to the preferred one.

    Where both ways around the box are as far, an agent that had begun to take one would otherwise
    come to prefer the other.
    """
    return (angle - preferred + math.pi) % (2 * math.pi) - math.pi + preferred


def _detour(off: float, too_far: float) -> float:
    """By how much to drive past the box, if the line is off, and the box farther away than it is
    to be gone around: nearly at it if it is far away, and away from it if it is near."""
    most = min(max(math.pi / 2 - _INWARDS * too_far, _LEAST), _MOST)
    return min(max(_DETOUR * off, -most), most)


def _caution(off: float, distance: float) -> float:
    """Share of the speed that is left beside the box, as long as the line is off."""
    beside = min(max(1 - (distance - 0.3) / 0.6, 0.0), 1.0)
    return 1 - _SLOWER * beside * (1 - math.cos(min(2 * abs(off), math.pi))) / 2


def _action(body: _Body, force: float, turn: float, turning: float) -> npt.NDArray[np.float32]:
    if body.axle:
        wished = min(max(body.steering * turn, -body.turning), body.turning)
        more = body.axle * (wished - turning)
        action = [_GAIN * (force + more), _GAIN * (force - more)]
    else:
        action = [_GAIN * force, body.steering * turn]
    return np.asarray(np.clip(action, -1, 1), dtype=np.float32)
