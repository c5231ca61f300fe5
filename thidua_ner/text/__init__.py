"""Texts: labels, spans, syllables, words, subwords, tags, and ways to rewrite a text."""
