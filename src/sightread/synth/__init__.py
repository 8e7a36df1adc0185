"""Rendered pictures with exact truth: the demo gallery, and plain ones for tests.

`canvas` draws and remembers where the words are; `surfaces`, `props`, `places` and `effects` give
it something to draw on; `scenes_*` are the pictures; `gallery` writes them with their truth files.

`scene` renders pictures for training, thousands of them, from plans: `layout` finds places for
words and things, `grounds`, `paint`, `plates` and `degrade` make the pixels, `lettering` and
`warp` know where each word ends up. `str_benchmark` is a retrieval benchmark made of them, with
the words of `vocabulary`.
"""
