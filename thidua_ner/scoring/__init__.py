"""Predictions against gold: scores, breakdowns, resampling, comparison, and their tables."""
