"""The public data sets of news pictures that EntityCLIP is trained and measured on (section 3)."""
