"""`python -m pipelines.cli` is `kb`."""

from pipelines.cli import app

app()
