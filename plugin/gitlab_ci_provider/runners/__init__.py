"""Runners: their file, which of them takes a job, and what a job may change of it."""
