"""What is kept in the object store, and for how long: lists, and what may be deleted."""
