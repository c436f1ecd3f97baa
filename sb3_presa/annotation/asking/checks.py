"""Questions beside those of a strategy: hidden repeats, known answers, doubts asked again.

Repeats and known questions count towards the number of pairs of a person, and are not merged.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import product

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.answers.rows import parameters_text
from sb3_presa.annotation.asking.queues import NOT_REFUSED, Queues, append_place

#: So many questions lie between a question and its repeat, so that nobody remembers it; half of a
#: person's pairs where that is fewer, or few pairs would have no repeat.
REPEAT_AFTER = 10


class Checks:
    """Which checks each person is asked, and when.

    :param queues: the queues of all people.
    :param repeats: share in [0, 1] of a person's pairs that are hidden repeats.
    :param target: number of pairs of a person, over which the known questions are spread.
    """

    def __init__(self, queues: Queues, repeats: float, target: int) -> None:
        self._queues, self._repeats, self._target = queues, repeats, target
        self._after = min(REPEAT_AFTER, target // 2)

    def ask(self, annotator: str) -> bool:
        """Append a check to a person's queue if one is due.

        :param annotator: the person.
        :return: whether one was appended.
        """
        with self._queues.store.transaction() as database:
            places, repeats, known = database.execute(
                "SELECT count(*), coalesce(sum(role = 'repeat'), 0), "
                "coalesce(sum(role = 'known'), 0) FROM queue WHERE annotator = ?",
                (annotator,),
            ).fetchone()
            n_known = database.execute("SELECT count(*) FROM known").fetchone()[0]
            due = min(1.0, n_known / self._target)
            if known < int((places + 1) * due + 1e-9) and self._ask_known(annotator):
                return True
            return bool(
                repeats < int((places + 1) * self._repeats + 1e-9) and self._ask_again(annotator)
            )

    def _ask_known(self, annotator: str) -> bool:
        """Append a known question that the person was not asked yet; each person has an order."""
        with self._queues.store.transaction() as database:
            rows = database.execute(
                f"SELECT pairs.* FROM pairs JOIN known ON known.pair = pairs.id WHERE {NOT_REFUSED}"
                " AND pairs.id NOT IN (SELECT pair FROM queue WHERE annotator = ? AND "
                "occasion = 'known')",
                (annotator,),
            ).fetchall()
            if not rows:
                return False
            row = min(rows, key=lambda row: _digest(annotator, row["name"]))
            return append_place(
                database,
                annotator,
                int(row["id"]),
                mirrored=_digest(annotator, row["name"])[0] & 1,
                strategy="known",
                parameters=parameters_text({}),
                role="known",
                occasion="known",
            )

    def _ask_again(self, annotator: str) -> bool:
        """Append the person's oldest answered pair that was not repeated, the other way round."""
        with self._queues.store.transaction() as database:
            row = database.execute(
                "SELECT queue.pair, queue.mirrored FROM answers "
                "JOIN queue ON queue.id = answers.place JOIN pairs ON pairs.id = queue.pair "
                "WHERE queue.annotator = ? AND queue.role = 'asked' AND undone_at IS NULL "
                "AND pairs.second IS NOT NULL AND preference IS NOT NULL "
                f"AND {NOT_REFUSED} AND queue.pair NOT IN "
                "(SELECT pair FROM queue WHERE annotator = ? AND occasion = 'repeat') "
                "AND (SELECT count(*) FROM queue AS later JOIN pairs ON pairs.id = later.pair "
                f"WHERE later.annotator = ? AND later.id > queue.id AND {NOT_REFUSED}) "
                ">= ? ORDER BY answers.id LIMIT 1",
                (annotator, annotator, annotator, self._after),
            ).fetchone()
            if row is None:
                return False
            return append_place(
                database,
                annotator,
                int(row["pair"]),
                mirrored=1 - row["mirrored"],
                strategy="repeat",
                parameters=parameters_text({"after": self._after}),
                role="repeat",
                occasion="repeat",
            )


def ask_doubts(queues: Queues, annotators: Iterable[str], doubts: Sequence[Answer]) -> None:
    """Ask everybody about a list of doubts, once for each list. Their new answers count.

    :param queues: the queues of all people.
    :param annotators: names of the people.
    :param doubts: the questions; what they answer is ignored.
    """
    text = "\n".join(f"{one.first} {one.second}" for one in doubts)
    occasion = f"doubts {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    with queues.store.transaction():
        for annotator, one in product(annotators, doubts):
            queues.append(annotator, one.first, one.second, "doubts", {}, occasion=occasion)


def _digest(annotator: str, pair: str) -> bytes:
    return hashlib.sha256(f"known|{annotator}|{pair}".encode()).digest()
