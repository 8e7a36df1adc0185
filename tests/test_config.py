"""Strict configuration: what fits is read exactly, what does not is refused in one sentence."""

import json
import math
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from sightread.config import describe, digest, load, parse, to_plain
from sightread.errors import ModelError, UsageError


@dataclass(frozen=True)
class Inner:
    lr: float = 0.1
    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.98)
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise UsageError(f"lr is {self.lr}, but must be above 0.")


@dataclass(frozen=True)
class Outer:
    steps: int
    inner: Inner = field(default_factory=Inner)
    mode: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2] = 1
    clip: float | None = None
    on: bool = False
    more: tuple[Inner, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


def toml(folder: Path, text: str) -> str:
    path = folder / "run.toml"
    path.write_text(text)
    return str(path)


def test_reads_every_kind(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
        steps = 10
        mode = "slow"
        clip = 1
        on = true
        [inner]
        lr = 2
        betas = [0, 0.5]
        sizes = [3, 4]
        [[more]]
        name = "sgd"
        [notes]
        anything = [1, "two"]
        """,
    )
    expected = Outer(
        10, Inner(2.0, "adam", (0.0, 0.5), (3, 4)), "slow", 1, 1.0, True, (Inner(name="sgd"),),
        {"anything": [1, "two"]},
    )  # fmt: skip
    config = load(Outer, path)
    assert config == expected
    assert isinstance(config.clip, float)
    with pytest.raises(FrozenInstanceError):
        config.steps = 3  # type: ignore[misc]


def test_overrides_win_and_mean_what_the_field_is(tmp_path: Path) -> None:
    path = toml(tmp_path, "steps = 10\nclip = 2.0\ninner.name = 'sgd'")
    config = load(
        Outer,
        path,
        ["steps = 20", "clip=none", "inner.name=12", "inner.sizes=[1,2]", "mode=slow", "on=true"],
    )
    assert config == Outer(20, Inner(name="12", sizes=(1, 2)), "slow", clip=None, on=True)
    quoted = load(Outer, None, ["steps=1", 'inner.name="a b = c"'])
    assert quoted.inner.name == "a b = c"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stpes = 1", "the key stpes is unknown; the keys known here are steps, inner, .*steps[?]"),
        ("steps=1\n[inner]\nlrr = 1", "inner.lrr is unknown; .* lr, name, betas, sizes"),
        ("on = true", "steps is missing"),
        ("steps = 1.0", "steps is 1.0, but must be a whole number"),
        ("steps = true", "steps is True, but must be a whole number"),
        ("steps = '1'", "steps is '1', but must be a whole number"),
        ("steps = 1\non = 1", "on is 1, but must be true or false"),
        ("steps = 1\nclip = 'x'", "clip is 'x', but must be a number"),
        ("steps = 1\nclip = inf", "clip is inf, but must be a number"),
        ("steps = 1\nmode = 'best'", "mode is 'best', but must be one of fast, slow"),
        ("steps = 1\nlevel = 3", "level is 3, but must be one of 1, 2"),
        ("steps = 1\nlevel = true", "level is True, but must be one of 1, 2"),
        ("steps = 1\ninner = 3", "inner is 3, but must be a table of lr, name"),
        ("steps = 1\ninner.betas = [1]", r"inner.betas is \[1\], but must be a list of 2"),
        ("steps = 1\ninner.sizes = [1, 'a']", "inner.sizes is .* a list, each a whole number"),
        ("steps = 1\ninner.sizes = 3", "inner.sizes is 3, but must be a list"),
        ("steps = 1\ninner.lr = -1", r"\[inner\]: lr is -1.0, but must be above 0"),
        ("steps = 1\n[[more]]\nlr = 'x'", "more.lr is 'x', but must be a number"),
        ("steps = 1\nnotes = 3", "notes is 3, but must be a table"),
        ("steps = ", "is not valid TOML"),
        ("steps = 1\nsteps = 2", "is not valid TOML"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(UsageError, match=said) as raised:
        load(Outer, path)
    assert str(raised.value).startswith(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("steps", "write it as key=value"),
        ("=3", "write it as key=value"),
        ("a..b=3", "write it as key=value"),
        ("steps=many", "--set steps=many: it must be a whole number"),
        ("clip=much", "--set clip=much: it must be a number"),
        ("inner.lrr=1", "--set inner.lrr=1: the key inner.lrr is unknown; .*Did you mean lr[?]"),
        ("steps.x=1", "--set steps.x=1: steps is a value, not a table"),
        ("inner=3", "--set inner=3: it must be a table"),
        ("mode=best", "--set mode=best: it must be one of fast, slow"),
        ("inner.sizes=3", "--set inner.sizes=3: it must be a list, each a whole number"),
    ],
)
def test_overrides_that_do_not_fit(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(Outer, toml(tmp_path, "steps = 1"), [override])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere.toml cannot be read: No such file"):
        load(Outer, str(tmp_path / "nowhere.toml"))
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(Outer, str(tmp_path))
    (tmp_path / "latin").write_bytes(b"name = '\xe9'")
    with pytest.raises(UsageError, match="is not valid TOML"):
        load(Outer, str(tmp_path / "latin"))
    (tmp_path / "huge").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="more than 1,000,000 bytes"):
        load(Outer, str(tmp_path / "huge"))


def test_plain_and_back() -> None:
    config = Outer(3, Inner(sizes=(1,)), more=(Inner(), Inner(name="x")), notes={"a": [1]})
    assert parse(Outer, json.loads(json.dumps(to_plain(config))), "here") == config
    with pytest.raises(ModelError, match="here: the key b is unknown"):
        parse(Outer, {"b": 1}, "here", ModelError)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_plain(Outer(1, clip=math.nan))


def test_digest_tells_values_apart_and_nothing_else(tmp_path: Path) -> None:
    config = Outer(1)
    assert digest(config) == digest(load(Outer, toml(tmp_path, "inner.lr = 0.1\nsteps = 1")))
    changed = [replace(config, steps=2), replace(config, inner=Inner(name="x"))]
    assert len({digest(config), *map(digest, changed)}) == 3
    assert len(digest(config)) == 64


def test_types_are_described_for_people() -> None:
    assert describe(float | None) == "a number, or none"
    assert describe(tuple[int, str]) == "a list of 2: a whole number, text"
