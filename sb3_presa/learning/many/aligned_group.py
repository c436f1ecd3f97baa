"""Alignment steps of many models at once: one objective evaluated for all of them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch as th
from torch.func import functional_call, vmap

from sb3_presa.learning.alignment import AlignmentAlgorithm, PairBatch, make_pair_batch
from sb3_presa.learning.segment_buffer import SegmentLabels, SegmentSteps, stratified_steps


@dataclass(frozen=True)
class JointBatch:
    """Minibatches of ``M`` models, ``B`` pairs each."""

    rows: th.Tensor  #: rows of the joint table of pairs, (M, B)
    steps: SegmentSteps  #: steps sampled of their segments, (M, B, 2, K)


class AlignedGroup:
    """
    Models whose objectives compute the same of their batches and buffers. Their labels stand in
    one table, the state of their objectives is stacked for each step, and the objective's own
    code is run once for all of them by ``torch.func.vmap``.

    :param models: models of one class with data, whose objectives have equal signatures
    """

    def __init__(self, models: Sequence[AlignmentAlgorithm]) -> None:
        self.models = list(models)
        first = self.models[0]
        tables = [_labels(model) for model in self.models]
        self.labels, self._first_pair = join_labels(tables)
        self._n_steps = first._n_sampled_steps(tables[0])
        self._objective = first._make_objective().to(first.device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each model was warned of its labels
            self._objective.attach(self.labels)
        self._reference: th.Tensor | None = None

    def sample(self, step: int) -> JointBatch:
        """
        What each model would draw alone.

        :param step: gradient steps taken so far
        :return: the minibatches
        """
        rows, offsets = [], []
        for model in self.models:
            generator = model._step_generator(step)
            rows.append(model.objective.sample_pairs(_labels(model), generator))
            shape = (len(rows[-1]), 2, self._n_steps)
            offsets.append(th.rand(shape, generator=generator, device=model.device))
        joint_rows = th.stack(rows) + self._first_pair
        segments = self.labels.pairs[joint_rows]
        steps = stratified_steps(self.labels, segments, self._n_steps, th.stack(offsets))
        return JointBatch(joint_rows, steps)

    def losses(
        self, batch: JointBatch, log_prob: th.Tensor, step: int
    ) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        """
        Also moves the state of each objective, as its own step would.

        :param batch: the minibatches
        :param log_prob: log pi of each of their steps by the model that drew it, (M, B, 2, K)
        :param step: gradient steps taken so far
        :return: the loss of each model, (M,), and numbers to log, (M,) each
        """
        rows = batch.steps.rows
        reference = self._references().gather(1, rows.flatten(1)).view(rows.shape)
        pairs = make_pair_batch(self.labels, batch.rows, batch.steps, log_prob, reference)
        own = [dict(model.objective.named_buffers()) for model in self.models]
        state = {name: th.stack([buffers[name] for buffers in own]) for name in own[0]}
        first = self.models[0]
        phase = first.objective.phase_start(step - first.n_cloning_steps)
        loss, metrics = vmap(partial(self._loss_of_one, step=phase))(state, pairs)
        for name, values in state.items():
            th._foreach_copy_([buffers[name] for buffers in own], list(values.unbind()))
        return loss, {"loss": loss, **metrics}

    def _loss_of_one(
        self, state: dict[str, th.Tensor], pairs: PairBatch, step: int
    ) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        loss, metrics = functional_call(self._objective, state, (pairs, step))
        return loss, metrics

    def _references(self) -> th.Tensor:
        """Log pi_ref of every transition, (M, N), of which each model keeps its row."""
        if self._reference is None:
            own = [model._reference_log_prob for model in self.models]
            self._reference = th.stack([values for values in own if values is not None])
            for model, row in zip(self.models, self._reference, strict=True):
                model._reference_log_prob = row
        return self._reference


def join_labels(tables: Sequence[SegmentLabels]) -> tuple[SegmentLabels, th.Tensor]:
    """
    :param tables: labels on the same transitions
    :return: one table of all, and the row of the first pair of each, (M, 1)
    """
    device = tables[0].pairs.device
    n_segments = th.tensor([0, *(len(table.starts) for table in tables)]).cumsum(0).tolist()
    n_pairs = th.tensor([0, *(len(table.pairs) for table in tables)], device=device).cumsum(0)
    joint = SegmentLabels(
        starts=th.cat([table.starts for table in tables]),
        lengths=th.cat([table.lengths for table in tables]),
        p_safe=th.cat([table.p_safe for table in tables]),
        pairs=th.cat([table.pairs + n for table, n in zip(tables, n_segments, strict=False)]),
        preferences=th.cat([table.preferences for table in tables]),
        max_length=max(table.max_length for table in tables),
    )
    return joint, n_pairs[:-1].unsqueeze(1)


def _labels(model: AlignmentAlgorithm) -> SegmentLabels:
    assert model.buffer is not None
    return model.buffer.labels
