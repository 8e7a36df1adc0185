"""The public data sets of scene text retrieval, one reader each, in the layouts they come in.

`..data` lists them. Nothing here is ever executed or unpickled, and no picture is opened before
it is asked for.
"""
