"""Manual and delayed jobs: asked, waited for, started."""
