"""Pretraining: an audio encoder, and a language model, on open data."""
