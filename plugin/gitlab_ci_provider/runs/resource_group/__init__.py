"""A job's turn in its resource group."""
