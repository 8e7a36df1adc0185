"""Measurements and fault campaigns, each a program; see its docstring."""
