"""Benchmarks: `python -m tests.bench [topic …]`. A topic is a module here with `run(options) -> list[Row]`.

Numbers of one table come from one run on one machine; ratios are taken pair by pair, because machines drift.
"""
