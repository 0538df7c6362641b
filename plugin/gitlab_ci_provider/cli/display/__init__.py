"""What a person sees of a run: its start, the progress of its jobs, questions, the summary."""
