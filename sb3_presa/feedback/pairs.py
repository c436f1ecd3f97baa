"""Comparisons that came in with a log, as feedback beside its dataset."""

import numpy as np
from minari import MinariDataset

from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.formats.format import Comparisons
from sb3_presa.feedback.table import Feedback


def save_comparisons(
    dataset: MinariDataset, comparisons: Comparisons, tables: list[int], name: str
) -> Feedback:
    """Write the comparisons of whole episodes.

    :param dataset: the new dataset.
    :param comparisons: pairs of tables of the log.
    :param tables: the table of each episode.
    :param name: of the feedback.
    :return: the feedback; comparisons of episodes that were left out are not in it.
    """
    places = {table: episode for episode, table in enumerate(tables)}
    kept = [all(table in places for table in pair) for pair in comparisons.pairs.tolist()]
    transitions = load_transitions(dataset)
    rows = [[places[table] for table in pair] for pair in comparisons.pairs[kept].tolist()]
    feedback = Feedback.create(
        transitions,
        [(episode, 0, steps) for episode, steps in enumerate(transitions.episode_lengths)],
        comparisons=rows,
        preferences=comparisons.preferences[np.asarray(kept, bool)],
        provenance={"source": "imported pairs of clips", "file": comparisons.file},
    )
    feedback.save(dataset, name)
    return feedback
