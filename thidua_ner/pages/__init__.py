"""HTML pages: texts with their spans, and the report of an evaluation."""
