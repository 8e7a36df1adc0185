"""Readers against each other, on the same pictures with the same queries.

`python -m benchmarks.words` indexes and searches; `python -m benchmarks.words.readings` compares
what was read with what is annotated, word by word, and says where the misses are.
"""
