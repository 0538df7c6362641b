"""Reads the files of `artifacts:reports`, which strangers write and nobody trusts."""
