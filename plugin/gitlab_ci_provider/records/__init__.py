"""What pipelines leave for later ones: numbers, ends, environments, orders to cancel."""
