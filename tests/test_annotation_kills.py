"""``kill -9`` of the labelling page's server while people answer: what was confirmed is stored.

``benchmarks/labelling_load.py`` does the same with 20 people and 100 kills.
"""

from pathlib import Path

from labelling_crowd import Crowd, LabellingServer, compare, running
from made_up import episode, write

KILLS, PEOPLE = 2, 4


def test_confirmed_answers_survive_kills(minari_root: Path, tmp_path: Path) -> None:
    dataset = write("toy/killed-v0", [episode(12, seed) for seed in range(12)])
    names = [f"person {number}" for number in range(PEOPLE)]
    words = ["--clips", "plot", "--cache", str(tmp_path / "clips"), "--segment-length", "12"]
    words += ["--pairs", "60"]
    with running(LabellingServer(minari_root, dataset.id, "team", names, words)) as server:
        crowd = Crowd(server.links, think=0.02)
        crowd.start()
        for _ in range(KILLS):
            crowd.wait_for(PEOPLE)
            server.kill()
            server.start()
        crowd.wait_for(PEOPLE)  # the queues go on where they were
        crowd.send_home()
        server.stop()
    ledger = compare(crowd.people, server.answers)
    assert ledger.confirmed >= (KILLS + 1) * PEOPLE
    assert (ledger.lost, ledger.doubled) == (0, 0)
    assert ledger.stored == ledger.confirmed + ledger.unconfirmed
    assert ledger.unconfirmed <= PEOPLE, "of those whom the end cut off"
