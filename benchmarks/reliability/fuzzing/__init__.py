"""Mutants of valid files, and what each must end in."""
