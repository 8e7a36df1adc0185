"""The public data sets whose captions speak of scene text (section 2 of the specification)."""
