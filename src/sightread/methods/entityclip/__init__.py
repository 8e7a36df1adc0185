"""EntityCLIP (Wang et al., SIGIR 2025), retrieval of pictures by the entities that a text names."""
