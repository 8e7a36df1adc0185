"""The lab: models are trained, measured and exported here. The only user of torch beside them."""
