"""The methods that can be trained, by name. Each is a room of its own; rooms never import each
other."""

from __future__ import annotations

from typing import Any

from sightread.methods.clip.recipe import CLIP_METHOD
from sightread.methods.entityclip.recipe import ENTITYCLIP_METHOD
from sightread.methods.fdp.recipe import FDP_METHOD
from sightread.methods.hopid.recipe import HOPID_METHOD
from sightread.methods.method import Method
from sightread.methods.spotter.recipe import SPOTTER_METHOD

METHODS: dict[str, Method[Any, Any]] = {
    method.name: method
    for method in (CLIP_METHOD, ENTITYCLIP_METHOD, FDP_METHOD, HOPID_METHOD, SPOTTER_METHOD)
}
