"""Feedback on logged behaviour: segments, comparisons and safety labels."""

from sb3_presa.feedback.summary import (
    DatasetSummary,
    FeedbackSummary,
    render_summary,
    summarize,
)
from sb3_presa.feedback.table import Feedback

__all__ = ["DatasetSummary", "Feedback", "FeedbackSummary", "render_summary", "summarize"]
