"""What is written in pictures, for encoders that look at it: records of readings, tokens, marks,
vectors of words. No torch: training and serving share it."""
