"""Writes small made-up checkouts for the tests of house.py."""

from pathlib import Path

from house import House

TABLE = {
    "order": {"config": [], "sendlog": ["config"], "mockfleet": ["config", "sendlog"]},
    "homes": {"parquet": ["sendlog"], "clap": ["mockfleet/cli"]},
    "names": {"host": {"types": ["Convoy"], "modules": ["rush"]}, "sdk": {}, "plugins": {}},
}


def write(root: Path, files: dict[str, str]) -> Path:
    """Writes files below a folder, and returns the folder."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def places(root: Path, files: dict[str, str], rule: str) -> list[tuple[str, str]]:
    """Returns the places of a rule in a checkout of these files."""
    house = House(write(root, files), TABLE)
    house.measure()
    return house.rules[rule].places
