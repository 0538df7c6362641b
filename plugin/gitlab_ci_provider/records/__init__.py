"""The interface behind which all state is stored, and what pipelines leave for later ones."""
