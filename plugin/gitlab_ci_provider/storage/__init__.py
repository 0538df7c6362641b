"""Where caches and artifacts are kept: an object store, its key layout, its archives."""
