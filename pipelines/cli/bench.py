import typer

bench_app = typer.Typer()
