"""Compiled pipelines, addressed by digest, and what each DAG shows of them."""
