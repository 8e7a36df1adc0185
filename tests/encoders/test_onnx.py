"""Serving a model folder, on graphs whose vectors can be derived on paper."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightread.encoders import open_encoder
from sightread.encoders.onnx import OnnxEncoder
from sightread.errors import ModelError, UsageError
from sightread.modelfolder import Calibration, read
from sightread.protocols import DualEncoder
from sightread.types import RGBImage
from tests.encoders.handmade import image_graph, make_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("models") / "handmade")


def plain(colour: tuple[int, int, int], height: int = 40, width: int = 40) -> RGBImage:
    return np.full((height, width, 3), colour, np.uint8)


def test_spec(folder: Path) -> None:
    encoder: DualEncoder = open_encoder(folder)
    assert (encoder.spec.space, encoder.spec.dim, encoder.spec.name) == ("colour", 3, "handmade")
    assert encoder.spec.revision == read(folder).revision


def test_a_calibration_reaches_the_spec(folder: Path, tmp_path: Path) -> None:
    assert open_encoder(folder).spec.calibration is None
    calibrated = make_folder(tmp_path / "c", space="colour", calibration=Calibration(20.0, -15.0))
    spec = open_encoder(calibrated).spec
    assert spec.calibration == (20.0, -15.0)
    assert spec.revision == open_encoder(folder).spec.revision  # its vectors are the same


def test_pictures_become_unit_vectors(folder: Path) -> None:
    """(51, 102, 102) / 255 = (0.2, 0.4, 0.4), of length 0.6: (1, 2, 2) / 3."""
    (embedding,) = open_encoder(folder).encode_images([plain((51, 102, 102))])
    np.testing.assert_allclose(embedding.vector, [1 / 3, 2 / 3, 2 / 3], atol=1e-6)
    assert embedding.vector.dtype == np.float32


def test_texts_become_unit_vectors(folder: Path) -> None:
    vectors = open_encoder(folder).encode_texts(["taxi", "coffee shop", "shop coffee shop"])
    half, fifth = 0.5**0.5, 0.2**0.5
    expected = [[0, 0, 1], [half, half, 0], [fifth, 2 * fifth, 0]]
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert vectors.dtype == np.float32


def test_long_texts_are_cut_off(folder: Path) -> None:
    # Five places are start, three pieces, end.
    vectors = open_encoder(folder).encode_texts(["shop shop shop taxi taxi"])
    np.testing.assert_allclose(vectors, [[0, 1, 0]], atol=1e-6)


def test_batching_changes_nothing(folder: Path) -> None:
    images = [plain((51 * i, 102, 204), 20 + i, 50 - 3 * i) for i in range(5)]
    single = open_encoder(folder).encode_images(images)
    batched = OnnxEncoder(folder, threads=2, image_batch=3).encode_images(images)
    assert len(single) == len(batched) == 5
    for one, other in zip(single, batched, strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-6)
        assert one.areas == other.areas
    texts = ["coffee", "shop", "taxi"] * 30
    vectors = open_encoder(folder).encode_texts(texts)
    np.testing.assert_array_equal(vectors, np.tile(np.eye(3, dtype=np.float32), (30, 1)))


def test_nothing_in_nothing_out(folder: Path) -> None:
    encoder = open_encoder(folder)
    assert encoder.encode_images([]) == []
    assert encoder.encode_texts([]).shape == (0, 3)


def test_areas_are_on_the_picture(folder: Path) -> None:
    """80 x 40 px; the input is 32 x 32 at scale 0.4, a cell is 10 px of the picture. White from
    (20, 10) to (50, 30) are cells 2 to 4 across and 1 to 2 down."""
    image = plain((0, 0, 0), 40, 80)
    image[10:30, 20:50] = 255
    (embedding,) = open_encoder(folder).encode_images([image])
    (area,) = embedding.areas
    assert area.box == ((20, 10), (50, 10), (50, 30), (20, 30))
    assert area.confidence > 0.8


def test_a_model_without_a_map_has_no_areas(tmp_path: Path) -> None:
    encoder = open_encoder(make_folder(tmp_path / "m", text_map=False))
    (embedding,) = encoder.encode_images([plain((255, 255, 255))])
    assert embedding.areas == ()


@pytest.mark.parametrize("text", ["", " \t"])
def test_empty_queries_are_refused(folder: Path, text: str) -> None:
    with pytest.raises(UsageError, match="has no words that could be encoded"):
        open_encoder(folder).encode_texts(["coffee", text])


@pytest.mark.parametrize(("name", "side"), [("image.onnx", "image"), ("text.onnx", "text")])
def test_only_the_side_that_is_needed_is_loaded(tmp_path: Path, name: str, side: str) -> None:
    folder = make_folder(tmp_path / "m")
    content = bytearray((folder / name).read_bytes())
    content[30] ^= 1
    (folder / name).write_bytes(content)
    encoder = open_encoder(folder)
    calls: dict[str, Callable[[], object]] = {
        "image": lambda: encoder.encode_images([plain((9, 9, 9))]),
        "text": lambda: encoder.encode_texts(["taxi"]),
    }
    broken = calls.pop(side)
    with pytest.raises(ModelError, match="was changed or damaged"):
        broken()
    (sound,) = calls.values()
    sound()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("image.onnx", b"no graph at all", r"image.onnx cannot be run by onnxruntime"),
        ("image.onnx", image_graph(channels=4), r"image.onnx cannot be run by onnxruntime"),
        ("tokenizer.json", b"{}", "tokenizer cannot be read"),
    ],
)
def test_files_that_make_no_sense(tmp_path: Path, file: str, content: bytes, said: str) -> None:
    encoder = open_encoder(make_folder(tmp_path / "m", files={file: content}))

    def use() -> None:
        encoder.encode_images([plain((9, 9, 9))])
        encoder.encode_texts(["taxi"])

    with pytest.raises(ModelError, match=said) as raised:
        use()
    assert "\n" not in str(raised.value)


def test_vectors_of_no_length(folder: Path) -> None:
    with pytest.raises(ModelError, match="gives no vectors of 3 finite numbers"):
        open_encoder(folder).encode_images([plain((0, 0, 0))])


def test_several_threads_get_the_same(folder: Path) -> None:
    encoder = open_encoder(folder)
    images = [plain((51 * i, 102, 204), 30 + i, 40) for i in range(6)]
    results: list[bytes] = []

    def work() -> None:
        rows = [one.vector for one in encoder.encode_images(images)]
        results.append(np.concatenate([*rows, encoder.encode_texts(["coffee shop"])[0]]).tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_serving_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from sightread.encoders import open_encoder\n"
        f"encoder = open_encoder({str(folder)!r})\n"
        "encoder.encode_images([np.full((9, 9, 3), 200, np.uint8)])\n"
        "encoder.encode_texts(['coffee'])\n"
        "heavy = {'torch', 'onnx', 'sightread.lab', 'sightread.methods', 'sightread.clip'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
