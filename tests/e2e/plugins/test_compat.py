"""Released bundles and components give the same bytes as at their release.

The contract of each version in tests/compat is still there, unchanged.
"""

import json
import re
import zipfile

import pytest

from support.compat import COMPAT, said
from support.fleet import ROOT

VERSIONS = sorted(folder.name for folder in COMPAT.iterdir() if folder.is_dir())
BUNDLES = sorted(COMPAT.glob("*/*.bundle"))
CONTRACTS = sorted(COMPAT.glob("*/*.wit"))
#: What each version has at least: a device of each language, and one with data.
KINDS = ["js", "python", "rust", "scenario"]


def name(file):
    return f"{file.parent.name}-{file.stem}"


@pytest.mark.parametrize("bundle", BUNDLES, ids=name)
def test_released_bundle_gives_its_recorded_output(bundle, tmp_path):
    expected = bundle.with_suffix(".expected").read_text()
    assert said(bundle, tmp_path / "packed") == expected
    # And unpacked, as a fleet file beside a component.
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "unpacked")
        fleet = json.loads(archive.read("manifest.json"))["fleet"]
    assert said(tmp_path / "unpacked" / fleet, tmp_path / "elsewhere") == expected


def test_each_version_has_a_bundle_of_each_language():
    assert VERSIONS
    for version in VERSIONS:
        there = [bundle.stem for bundle in BUNDLES if bundle.parent.name == version]
        assert set(KINDS) <= set(there), f"{version} has {there}"
    for bundle in BUNDLES:
        with zipfile.ZipFile(bundle) as archive:
            made_by = json.loads(archive.read("manifest.json"))["mockfleet"]
        assert made_by == bundle.parent.name, f"{bundle} is of {made_by}"


@pytest.mark.parametrize("released", CONTRACTS, ids=name)
def test_released_contract_never_changes(released):
    text = released.read_text()
    package = re.match(r"package mockfleet:device@\d+\.\d+\.\d+;\n", text)[0]
    today = [
        file for file in (ROOT / "wit").rglob("*.wit") if file.read_text().startswith(package)
    ]
    assert len(today) == 1, f"wit/ has {package.strip()} {len(today)} times"
    assert today[0].read_text() == text, (
        f"{today[0].relative_to(ROOT)} is not what was released as {package.strip()} Plugins of "
        "it are out there: put it back, and give what you change a new package version beside "
        "it, which the host then carries too; tests/compat/README.md has the steps"
    )


def test_current_contract_is_kept_once_it_is_released():
    newest = re.search(r"^## (\S+), (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if newest[2] == "not yet released":
        assert newest[1] not in VERSIONS, f"{newest[1]} has bundles and is not released"
        return
    today = (ROOT / "wit/device.wit").read_text().splitlines()[0]
    assert today in [file.read_text().splitlines()[0] for file in CONTRACTS], (
        f"tests/compat has no copy of {today} `tests/compat/make` makes it"
    )
