"""Rendered pictures with exact truth: the demo gallery, and plain ones for tests.

`canvas` draws and remembers where the words are; `surfaces`, `props`, `places` and `effects` give
it something to draw on; `scenes_*` are the pictures; `gallery` writes them with their truth files.
"""
