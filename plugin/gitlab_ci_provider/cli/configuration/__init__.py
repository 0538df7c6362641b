"""What `compile` and `lint` find in a configuration, and the forms in which they show it."""
