"""Pictures are given out by id: upright, in a few sizes, and only what was indexed."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from sightread.errors import PictureError
from sightread.service.renditions import Renditions, fitting
from sightread.store import open_store
from tests.pictures import assert_corners, corners
from tests.service.conftest import Serve, fill, record


def first_id(client: TestClient, line: str) -> str:
    return str(client.get("/api/search", params={"q": line}).json()["results"][0]["id"])


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_copies_are_upright_sized_and_without_metadata(tmp_path: Path, serve: Serve) -> None:
    path = tmp_path / "turned.jpg"
    turned = corners(960, 640).transpose(Image.Transpose.ROTATE_90)  # as a camera held upright does
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera that tells"
    turned.save(path, exif=exif, quality=95)
    store = open_store(str(tmp_path / "library"), write=True, create=True)
    store.put([record(path, [("written", "turned")])])
    store.flush()
    store.close()
    client = serve(tmp_path / "library")
    name = first_id(client, "turned")
    thumb = client.get(f"/api/pictures/{name}/thumb", params={"side": 300})
    assert thumb.headers["content-type"] == "image/jpeg"
    small = opened(thumb.content)
    assert small.size == (320, 213)
    assert not small.getexif()
    import numpy as np

    assert_corners(np.asarray(small), tolerance=20)
    large = opened(client.get(f"/api/pictures/{name}/image").content)
    assert large.size == (960, 640)
    original = client.get(f"/api/pictures/{name}/file")
    assert original.content == path.read_bytes()
    assert original.headers["content-disposition"].startswith('attachment; filename="turned.jpg"')


def test_a_browser_need_not_ask_twice(client: TestClient) -> None:
    url = f"/api/pictures/{first_id(client, 'coffee')}/thumb"
    first = client.get(url)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(url, headers={"If-None-Match": '"0000000000000000-320"'})
    assert other.status_code == 200


def test_a_file_that_changed_or_is_gone_is_not_given_out(tmp_path: Path, serve: Serve) -> None:
    library = fill(tmp_path)
    client = serve(library)
    name = first_id(client, "coffee")
    path = tmp_path / "pictures" / "00.png"
    secret = tmp_path / "secret.png"
    Image.new("RGB", (9, 9), (0, 0, 0)).save(secret)
    path.unlink()
    path.symlink_to(secret)  # a picture, but not the one that was indexed
    for kind in ("thumb", "image", "file"):
        response = client.get(f"/api/pictures/{name}/{kind}")
        assert response.status_code == 410
        assert response.json()["detail"] == (
            "The file of this picture is gone or has changed since it was read; run `sightread "
            "index` on its folder."
        )
    packed = client.get("/api/zip", params={"ids": name})
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == ["MISSING.txt"]
    path.unlink()
    path.symlink_to("/dev/zero")
    assert client.get(f"/api/pictures/{name}/file").status_code == 410


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "0000000000000000",
        "ffffffffffffffff",
        "0x00000000000000",
        "00000000000000000",
        "000000000000000%00",
        "..",
        "00.png",
    ],
)
def test_only_ids_of_the_library_name_a_picture(client: TestClient, name: str) -> None:
    for kind in ("", "/thumb", "/image", "/file"):
        response = client.get(f"/api/pictures/{name}{kind}")
        assert response.status_code in (400, 404)
        assert response.headers["content-type"] == "application/problem+json"
        assert "root:" not in response.text


def test_what_was_forgotten_is_not_given_out_from_the_cache(tmp_path: Path, serve: Serve) -> None:
    client = serve(fill(tmp_path))
    name = first_id(client, "coffee")
    assert client.get(f"/api/pictures/{name}/thumb").status_code == 200
    forgotten = client.post("/api/forget", json={"pictures": [name]})
    assert forgotten.json() == {"forgotten": 1}
    response = client.get(f"/api/pictures/{name}/thumb")
    assert response.status_code == 404
    tag = {"If-None-Match": f'"{name}-320"'}
    assert client.get(f"/api/pictures/{name}/thumb", headers=tag).status_code == 404


def test_an_archive_of_a_selection(client: TestClient) -> None:
    hits = client.get("/api/search", params={"q": "sale", "k": 3}).json()["results"]
    odd = first_id(client, "hostile")
    ids = ",".join([*(one["id"] for one in hits), odd])
    response = client.get("/api/zip", params={"ids": ids})
    assert response.headers["content-disposition"].startswith('attachment; filename="shop-4.zip"')
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[:3] == [os.path.basename(one["path"]) for one in hits]
        assert names[3] == "_img src=x onerror=_alert(1)_____; x=.png"
        assert archive.read(names[0]) == Path(hits[0]["path"]).read_bytes()
    assert client.get("/api/zip", params={"ids": f"{odd},nonsense"}).status_code == 422
    assert client.get("/api/zip", params={"ids": "0" * 16}).status_code == 404


def test_names_cannot_break_out_of_a_header(client: TestClient) -> None:
    response = client.get(f"/api/pictures/{first_id(client, 'hostile')}/file")
    value = response.headers["content-disposition"]
    assert "\n" not in value
    assert "\r" not in value
    assert value.count('"') == 2
    assert "x-injected" not in response.headers


def test_copies_are_kept_below_the_cap(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.effect_noise((400, 300), 80).save(data, "PNG")
    one = len(Renditions(str(tmp_path / "probe"), 10**9).get(0, 320, data.getvalue))
    folder = tmp_path / "kept"
    copies = Renditions(str(folder), 4 * one)
    for picture in range(8):
        copies.get(picture, 320, data.getvalue)
        copies.get(0, 320, data.getvalue)  # in use all the time
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 4 * one
    misses = copies.misses
    copies.get(0, 320, data.getvalue)
    assert copies.misses == misses
    again = Renditions(str(folder), 4 * one)  # another process, later
    assert again.size_bytes == copies.size_bytes
    again.get(0, 320, data.getvalue)
    assert again.misses == 0


def test_a_damaged_or_missing_cache_costs_no_answer(tmp_path: Path) -> None:
    data = io.BytesIO()
    corners().save(data, "PNG")
    copies = Renditions(str(tmp_path / "cache"), 10**9)
    made = copies.get(7, 320, data.getvalue)
    [file] = (tmp_path / "cache").iterdir()
    file.write_bytes(made[:10])
    assert copies.get(7, 320, data.getvalue) == made
    shutil.rmtree(tmp_path / "cache")
    assert copies.get(7, 320, data.getvalue) == made
    with pytest.raises(PictureError):
        copies.get(8, 320, lambda: b"not a picture")


def test_sizes_are_few() -> None:
    assert [fitting(side, (160, 320)) for side in (1, 160, 161, 4000)] == [160, 160, 320, 320]
