"""One module per keyword: every accepted spelling becomes one model value."""
