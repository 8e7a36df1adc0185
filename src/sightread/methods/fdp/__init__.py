"""FDP: Focus, Distinguish, and Prompt (Zeng et al., ACM MM 2024), scene text retrieval on CLIP."""
