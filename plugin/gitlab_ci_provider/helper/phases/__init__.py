"""One module a phase, under the runner's names."""
