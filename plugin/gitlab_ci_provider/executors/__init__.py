"""Executors whose tasks start with everything imported."""
