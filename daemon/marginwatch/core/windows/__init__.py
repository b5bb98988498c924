"""Windows of time: what an account's numbers were, kept so that rules can ask for peaks, means and changes at once."""

from __future__ import annotations

from marginwatch.core.windows.account import AccountWindows, Answers, Coverage, Pending, Sample, sampled
from marginwatch.core.windows.plan import Plan

__all__ = ["AccountWindows", "Answers", "Coverage", "Pending", "Plan", "Sample", "sampled"]
