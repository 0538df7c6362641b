"""What a person sees of a run: its start, its jobs as they go on, questions, and the summary."""
