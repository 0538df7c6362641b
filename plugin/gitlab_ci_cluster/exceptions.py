"""Errors of the embedded cluster."""

from __future__ import annotations


class ClusterError(Exception):
    """The embedded cluster cannot start, run or do what was asked; the message says why."""
