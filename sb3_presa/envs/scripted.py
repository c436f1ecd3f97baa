"""Type and noise of the scripted agents of all simulators."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Act = Callable[[npt.NDArray[np.floating]], npt.NDArray[np.float32]]
Vector = npt.NDArray[np.float64]


def shaky(act: Act, noise: float | Vector, rng: np.random.Generator) -> Act:
    """The same agent with white noise on its actions, which lie in [-1, 1].

    :param act: Observation -> action.
    :param noise: Standard deviation, of all parts of an action or of each; 0 for none.
    :param rng: Draws the noise.
    :return: Observation -> action.
    """
    if not np.any(noise):
        return act

    def shaken(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        action = act(observation)
        shake = rng.normal(0, noise, action.shape)
        return np.asarray(np.clip(action + shake, -1, 1), dtype=np.float32)

    return shaken
