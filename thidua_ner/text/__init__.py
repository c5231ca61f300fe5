"""Texts in memory: labels, spans, syllables, words, subwords, IOB2 tags, spelling, old encodings and perturbations."""
