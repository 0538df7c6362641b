"""One module a keyword: every accepted spelling to one model value."""
