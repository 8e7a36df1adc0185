"""The service: search over HTTP, and the page. `serving.serve` runs it."""
